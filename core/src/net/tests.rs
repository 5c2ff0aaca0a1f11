use super::*;

fn user(host: &str) -> Result<Url, AiError> {
    check_base_url(&format!("https://{host}/v1"), SetBy::User)
}

#[test]
fn servers_are_offered_http_2_where_it_is_built_in() {
    let offered = tls().unwrap().alpn_protocols;

    let http2: &[&[u8]] = if cfg!(feature = "http2") { &[b"h2"] } else { &[] };
    assert_eq!(offered, [http2, &[b"http/1.1"]].concat());
}

/// Each block's first and last address, and its neighbours, which are public unless they lie in
/// another block.
#[test]
fn each_block_of_ipv4_is_blocked_and_its_neighbours_are_not() {
    let blocks = [
        ("0.0.0.0", "0.255.255.255", None, Some("1.0.0.0")),
        ("10.0.0.0", "10.255.255.255", Some("9.255.255.255"), Some("11.0.0.0")),
        ("100.64.0.0", "100.127.255.255", Some("100.63.255.255"), Some("100.128.0.0")),
        ("127.0.0.0", "127.255.255.255", Some("126.255.255.255"), Some("128.0.0.0")),
        ("169.254.0.0", "169.254.255.255", Some("169.253.255.255"), Some("169.255.0.0")),
        ("172.16.0.0", "172.31.255.255", Some("172.15.255.255"), Some("172.32.0.0")),
        ("192.0.0.0", "192.0.0.255", Some("191.255.255.255"), Some("192.0.1.0")),
        ("192.0.2.0", "192.0.2.255", Some("192.0.1.255"), Some("192.0.3.0")),
        ("192.88.99.0", "192.88.99.255", Some("192.88.98.255"), Some("192.88.100.0")),
        ("192.168.0.0", "192.168.255.255", Some("192.167.255.255"), Some("192.169.0.0")),
        ("198.18.0.0", "198.19.255.255", Some("198.17.255.255"), Some("198.20.0.0")),
        ("198.51.100.0", "198.51.100.255", Some("198.51.99.255"), Some("198.51.101.0")),
        ("203.0.113.0", "203.0.113.255", Some("203.0.112.255"), Some("203.0.114.0")),
        ("224.0.0.0", "239.255.255.255", Some("223.255.255.255"), None),
        ("240.0.0.0", "255.255.255.255", None, None),
    ];

    for (first, last, before, after) in blocks {
        for blocked in [first, last] {
            assert_eq!(user(blocked), Err(AiError::Blocked(PRIVATE)), "{blocked}");
            let mapped = format!("[::ffff:{blocked}]");
            assert_eq!(user(&mapped), Err(AiError::Blocked(PRIVATE)), "{mapped}");
        }
        for public in [before, after].into_iter().flatten() {
            assert!(user(public).is_ok(), "{public}");
        }
    }
}

#[test]
fn of_ipv6_only_global_addresses_pass_and_no_tunnel() {
    let blocked = [
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "100::1",
        "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001::1",
        "2001:0:a9fe:a9fe::1",
        "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:db8::",
        "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        "2002::",
        "2002:a9fe:a9fe::1",
        "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "3fff::",
        "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
        "4000::",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ];
    let public = [
        "2000::",
        "2001:200::",
        "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:db9::",
        "2001:4860:4860::8888",
        "2003::",
        "2a00::1",
        "3ffe:ffff::1",
        "3fff:1000::",
    ];

    for address in blocked {
        assert_eq!(user(&format!("[{address}]")), Err(AiError::Blocked(PRIVATE)), "{address}");
    }
    for address in public {
        assert!(user(&format!("[{address}]")).is_ok(), "{address}");
    }
}

#[test]
fn odd_spellings_of_this_machine_are_this_machine() {
    let spellings = [
        "127.1",
        "127.0.1",
        "0x7f.1",
        "0x7f000001",
        "0177.0.0.1",
        "017700000001",
        "2130706433",
        "127.0.0.1.",
        "0",
        "0x0",
        "１２７.0.0.1",
        "①②⑦.0.0.1",
        "127。0。0。1",
        "%31%32%37.0.0.1",
        "2852039166",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "LOCALHOST.",
        "ⓛocalhost",
        "a.localhost",
        "printer.local",
        "metadata.internal",
        "metadata.google.internal.",
    ];

    for spelling in spellings {
        assert_eq!(user(spelling), Err(AiError::Blocked(PRIVATE)), "{spelling}");
    }
}

#[test]
fn a_user_names_public_servers_over_tls_only() {
    let (http, host) = ("http", "api.example.com");
    let refused = [
        format!("{http}://{host}"),
        format!("ftp://{host}"),
        format!("gopher://{host}"),
        format!("wss://{host}"),
        String::from("file:///etc/passwd"),
        String::from("data:text/plain,x"),
        format!("https://{host}:80"),
        format!("https://{host}:8080"),
        format!("https://{host}:22"),
        format!("https://{host}:0"),
        format!("https://{host}:65536"),
        format!("https://name@{host}"),
        format!("https://name:word@{host}"),
        format!("https://{host}@127.0.0.1"),
        format!("https://{host}%2f@127.0.0.1"),
        format!("https://{host}/#there"),
        format!("https://{host}.."),
        format!("https://{host}/{}", "x".repeat(2_049)),
        String::from("https://"),
        format!("https://{}", "."),
        format!("https://{}", "[fe80::1%25eth0]"),
        format!("https://{}", "[::1"),
        format!("https://{}", "256.256.256.256"),
        String::from("//api.example.com"),
        String::from("api.example.com"),
        String::new(),
    ];

    for url in refused {
        let refused = check_base_url(&url, SetBy::User);
        assert!(matches!(refused, Err(AiError::Blocked(_))), "{url}: {refused:?}");
    }
    let good = ["", ":443", ":8443", "/v1", "./v1", "/v1?api-version=1"];
    for rest in good {
        assert!(user(&format!("{host}{rest}")).is_ok(), "{rest}");
    }
}

#[test]
fn a_backslash_ends_the_host_as_in_a_browser() {
    let url = user("api.example.com\\@127.0.0.1:80").unwrap();

    assert_eq!(url.host_str(), Some("api.example.com"));
    assert_eq!(url.port_or_known_default(), Some(443));
}

#[test]
fn the_operator_names_any_server_but_no_password() {
    for url in ["http://127.0.0.1:8080/v1", "http://localhost:11434", "http://[::1]:1/"] {
        assert_eq!(check_base_url(url, SetBy::Operator).unwrap().scheme(), "http");
    }
    for url in ["ftp://127.0.0.1", "http://key@127.0.0.1", "127.0.0.1:8080", "", "http://"] {
        let refused = check_base_url(url, SetBy::Operator);
        assert!(matches!(refused, Err(AiError::Blocked(_))), "{url}: {refused:?}");
    }
}

#[test]
fn one_dot_at_the_end_of_a_name_is_dropped() {
    let url = user("api.example.com.").unwrap();

    assert_eq!(url.host_str(), Some("api.example.com"));
}

#[test]
fn one_private_address_spoils_a_name() {
    let address = |text: &str| text.parse::<SocketAddr>().unwrap();
    let good = vec![address("8.8.8.8:0"), address("[2a00::1]:0")];
    let mixed = vec![address("8.8.8.8:0"), address("127.0.0.1:0")];

    assert_eq!(public(good.clone()).unwrap(), good);
    assert!(public(mixed).is_err());
}

#[tokio::test]
async fn a_name_that_leads_home_is_never_connected_to() {
    // As if `check_base_url` had been passed before the name changed.
    let client = client(SetBy::User, Duration::from_secs(5)).unwrap();

    let error = client.get("https://localhost:443/").send().await.unwrap_err();

    assert_eq!(failure(&error), AiError::Blocked(PRIVATE));
}

#[tokio::test]
async fn a_user_s_client_speaks_nothing_but_tls() {
    let client = client(SetBy::User, Duration::from_secs(5)).unwrap();

    assert!(client.get("http://127.0.0.1:9/").send().await.is_err());
}
