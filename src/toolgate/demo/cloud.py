"""An example MCP server shaped like a GPU cloud: jobs, pods, volumes, money. State in memory, no network.

Run as `python -m toolgate.demo.cloud` it speaks MCP over stdio. Where `TOOLGATE_DEMO_JOURNAL` names a file, every call that
arrives is written there, one JSON line each: the truth about what a gateway let through.
"""

import json
import os
from pathlib import Path
from typing import Any

from mcp.server.mcpserver import MCPServer

server = MCPServer("gpu-cloud", instructions="An example GPU cloud: serverless jobs, pods, volumes and a balance.")

JOBS = {"j1": "FAILED", "j2": "TIMED_OUT", "j3": "COMPLETED"}
PODS = {"p1": "RUNNING", "p2": "STOPPED"}
VOLUMES = {"v1": 100}
ACCOUNT = {"balance": 250.0}


def journal(tool: str, **arguments: Any) -> None:
    """Write down that a call arrived."""
    path = os.environ.get("TOOLGATE_DEMO_JOURNAL")
    if path:
        with Path(path).open("a", encoding="utf-8") as out:
            out.write(json.dumps({"tool": tool, "arguments": arguments}) + "\n")


@server.tool(name="retry-job")
def retry_job(endpointId: str, jobId: str) -> str:  # noqa: N803 - the wire's names
    """Retry a failed or timed-out serverless job. The previous output is removed and the job is requeued."""
    journal("retry-job", endpointId=endpointId, jobId=jobId)
    JOBS[jobId] = "IN_QUEUE"
    return f"{jobId} on {endpointId} is queued again"


@server.tool(name="run-job")
def run_job(endpointId: str, input: dict[str, Any]) -> str:  # noqa: N803, A002
    """Run a serverless job on an endpoint with the given input."""
    journal("run-job", endpointId=endpointId, input=input)
    job = f"j{len(JOBS) + 1}"
    JOBS[job] = "IN_QUEUE"
    return job


@server.tool(name="cancel-job")
def cancel_job(endpointId: str, jobId: str) -> str:  # noqa: N803
    """Cancel a serverless job that is queued or in progress."""
    journal("cancel-job", endpointId=endpointId, jobId=jobId)
    JOBS[jobId] = "CANCELLED"
    return f"{jobId} is cancelled"


@server.tool(name="get-job-status")
def get_job_status(endpointId: str, jobId: str) -> str:  # noqa: N803
    """Get the status of a serverless job."""
    journal("get-job-status", endpointId=endpointId, jobId=jobId)
    return JOBS.get(jobId, "UNKNOWN")


@server.tool(name="list-endpoints")
def list_endpoints() -> list[str]:
    """List the serverless endpoints of the account."""
    journal("list-endpoints")
    return ["ep1", "ep2"]


@server.tool(name="update-endpoint")
def update_endpoint(endpointId: str, workersMax: int) -> str:  # noqa: N803
    """Update how many workers an endpoint may use."""
    journal("update-endpoint", endpointId=endpointId, workersMax=workersMax)
    return f"{endpointId} now has at most {workersMax} workers"


@server.tool(name="list-pods")
def list_pods() -> dict[str, str]:
    """List the pods of the account and their state."""
    journal("list-pods")
    return PODS


@server.tool(name="create-pod")
def create_pod(gpuType: str, gpuCount: int, hours: int, cost: float) -> str:  # noqa: N803
    """Create and start a pod with GPUs for a number of hours, at a cost in dollars."""
    journal("create-pod", gpuType=gpuType, gpuCount=gpuCount, hours=hours, cost=cost)
    pod = f"p{len(PODS) + 1}"
    PODS[pod] = "RUNNING"
    ACCOUNT["balance"] -= cost
    return f"{pod} runs with {gpuCount} x {gpuType}"


@server.tool(name="stop-pod")
def stop_pod(podId: str) -> str:  # noqa: N803
    """Stop a running pod. It can be started again."""
    journal("stop-pod", podId=podId)
    PODS[podId] = "STOPPED"
    return f"{podId} is stopped"


@server.tool(name="delete-pod")
def delete_pod(podId: str) -> str:  # noqa: N803
    """Delete a pod and its disk. This cannot be undone."""
    journal("delete-pod", podId=podId)
    PODS.pop(podId, None)
    return f"{podId} is gone"


@server.tool(name="delete-network-volume")
def delete_network_volume(volumeId: str) -> str:  # noqa: N803
    """Permanently delete a network volume with all data on it."""
    journal("delete-network-volume", volumeId=volumeId)
    VOLUMES.pop(volumeId, None)
    return f"{volumeId} is gone"


@server.tool(name="get-balance")
def get_balance() -> float:
    """Get the account's balance in dollars."""
    journal("get-balance")
    return ACCOUNT["balance"]


@server.tool(name="add-credit")
def add_credit(amount: float, reason: str) -> str:
    """Charge the stored card and add the amount to the account's balance."""
    journal("add-credit", amount=amount, reason=reason)
    ACCOUNT["balance"] += amount
    return f"charged {amount:.2f}"


@server.tool(name="read-log")
def read_log(path: str) -> str:
    """Read a job's log file by its path."""
    journal("read-log", path=path)
    return f"{path}: job finished"


if __name__ == "__main__":
    server.run("stdio")
