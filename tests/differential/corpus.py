"""JSON documents that parsers are known to read differently, by family; deterministic."""

KEYS = [
    "path",
    "Path",
    "PATH",
    "\\u0070ath",
    "p\\u0061th",
    "pa\\u017fh",
    "paſh",
    "path\\u0000",
    "path ",
    "päth",
    "PÄTH",
    "K",
    "k",
    "\\u212a",
]
NUMBERS = [
    "0", "-0", "0.0", "-0.0", "1", "1.0", "1e0", "1E+2", "1e-2", "0.1", "0.30000000000000004", "1e308", "1e309", "-1e309", "1e400", "1e-400",
    "5e-324", "9007199254740991", "9007199254740992", "9007199254740993", "-9007199254740993", "18446744073709551615", "18446744073709551616",
    "1" * 30, "1" * 400, "0." + "1" * 40, "1.7976931348623157e308", "NaN", "Infinity", "-Infinity", "+1", "01", "-01", ".5", "5.", "1e", "0x10",
    "1_000", "1f", "--1", "1e5.5", "١", "１", "1e1000000000", "-", "2e22", "123456789012345678", "1.0000000000000001", "100000000000000000000.5",
]  # fmt: skip
STRINGS = [
    '""', '"a"', '"\\n"', '"\\u0000"', '"\\ud83d\\ude00"', '"\\ud83d"', '"\\ude00"', '"\\ude00\\ud83d"', '"\\uD800\\u0041"', '"\\u00e9"', '"é"',
    '"e\\u0301"', '"\\/"', '"\\x41"', '"\\a"', '"\\u12"', '"\\U0001F600"', '"a\tb"', '"a\nb"', '"\x7f"', '"\u2028"', '"\u2029"', '"\ufeff"',
    '"\\ufeff"', "'a'", '"a', 'a"', '"\\"', '"\\\\"', '"\\u0022"', '"\\u005c"', '"</script>"', '"\U0001f600"', '"\\uFFFF"', '"\ufffe"',
]  # fmt: skip
WHOLE = [
    "", " ", "null", "true", "True", "nul", "[]", "{}", "[", "]", "{", "}", "[1,]", "[,1]", "[1 2]", "[1,,2]", '{"a"}', '{"a":}', '{"a":1,}', "{,}",
    '{a:1}', "{1:2}", '{"a":1 "b":2}', '{"a":1}{}', '{"a":1}]', '{"a":1}x', '{"a":1} ', '\n{"a":1}\r\n', '\x0b{"a":1}', '\xa0{"a":1}', '{"a":1}\x00',
    '{"a":1}//c', '/*c*/{"a":1}', '{"a":/*c*/1}', '#c\n{"a":1}', '{"a":undefined}', '{"a":1;"b":2}', '{"a"=1}', "\ufeff{}", '\ufeff{"a":1}',
    '{"__proto__":{"a":1}}', '{"constructor":{"prototype":{}}}', '{"":1}', '{"a":{"a":{"a":1}}}', '{"a":1,"b":1,"c":1}', '[[[]]]', '{"a.b":1,"a":{"b":2}}',
]  # fmt: skip


def documents():
    """Every document, as bytes."""
    texts = list(WHOLE)
    for one in KEYS:
        texts += [f'{{"{one}": 1, "{other}": 2}}' for other in KEYS]
        texts.append(f'{{"a": {{"{one}": 1, "path": 2}}}}')
    texts += [f'{{"a": {number}}}' for number in NUMBERS] + [f"[{number}, 1]" for number in NUMBERS]
    texts += [f'{{"a": {text}}}' for text in STRINGS] + [f"{{{text}: 1}}" for text in STRINGS]
    texts += ["[" * n + "]" * n for n in (1, 63, 64, 65, 1000, 100_000)] + [
        '{"a":' * n + "1" + "}" * n for n in (63, 64, 65, 1000)
    ]
    made = [text.encode("utf-8", "surrogatepass") for text in texts]
    made += [
        text.encode(code) for text in ('{"a":1}', '"é"') for code in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1")
    ]
    made += [
        b'{"a":"\xff"}',
        b'{"a":"\xc0\xaf"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\xf4\x90\x80\x80"}',
        b'{"\xc3":1}',
        b'{"a":"\xe2\x82"}',
    ]
    return list(dict.fromkeys(made))
