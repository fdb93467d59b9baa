internal import SwellModel
internal import Testing

@testable internal import SwellIdentity

@Suite struct NamesTests {
    @Test(arguments: ["swell.local", "a", "prod_1.example-corp"])
    func trustDomainsThatAreTaken(name: String) throws {
        #expect(try TrustDomain(name).uri == "spiffe://\(name)")
    }

    @Test(arguments: ["", "Swell", "a/b", "a:1", "ä", "a b", String(repeating: "a", count: 256)])
    func trustDomainsThatAreRefused(name: String) {
        #expect(throws: IdentityError.self) { try TrustDomain(name) }
    }

    @Test func aNameReadsBackAsWritten() throws {
        let domain = try TrustDomain("swell.local")
        for identity in [WorkloadIdentity.coordinator(in: domain), .cluster("prod-us.1", in: domain)] {
            #expect(try WorkloadIdentity(uri: identity.uri) == identity)
        }
    }

    @Test(arguments: [
        "spiffe://swell.local/cluster/", "spiffe://swell.local/cluster/a/b", "spiffe://swell.local/cluster/A",
        "spiffe://swell.local/cluster/a%2fb", "spiffe://swell.local//cluster/a", "spiffe://swell.local/cluster/a/",
        "spiffe://swell.local:1/cluster/a", "spiffe://swell.local/cluster/a?x", "spiffe://swell.local/cluster/a#x",
        "spiffe:///cluster/a", "SPIFFE://swell.local/cluster/a", "https://swell.local/cluster/a",
        "spiffe://swell.local/coordinator/a", "spiffe://swell.local", "spiffe://user@swell.local/cluster/a",
        "spiffe://swell.local/cluster/..",
    ])
    func namesThatAreRefused(uri: String) {
        #expect(throws: IdentityError.self) { try WorkloadIdentity(uri: uri) }
    }

    @Test func serverNamesAreSortedIntoHostsAndAddresses() throws {
        let names = try ServerNames(["Swell.Example.com", "10.0.0.1", "::1", "*.swell.example.com", "localhost"])
        #expect(names.hosts == ["swell.example.com", "*.swell.example.com", "localhost"])
        #expect(names.addresses == ["10.0.0.1", "::1"])
    }

    @Test(arguments: ["", "a..b", "-a", "a_b", "*.com", "a b", "*"])
    func serverNamesThatAreRefused(name: String) {
        #expect(throws: IdentityError.self) { try ServerNames([name]) }
    }

    @Test func textInMessagesIsMadeHarmless() {
        #expect(quoted("a\u{1b}[31m\nb") == "\"a?[31m?b\"")
        #expect(quoted(String(repeating: "x", count: 90)).unicodeScalars.count == 83)
    }
}
