internal import Testing

@testable internal import PortGuard

@Suite struct AddressBlockTests {
    @Test func onePeersAddressesAreOne() {
        #expect(AddressBlock(ip: "192.0.2.7").description == "192.0.2.7")
        #expect(AddressBlock(ip: "192.0.2.7") != AddressBlock(ip: "192.0.2.8"))
        #expect(AddressBlock(ip: "2001:db8:1:2::1") == AddressBlock(ip: "2001:db8:1:2:ffff:1:2:3"))
        #expect(AddressBlock(ip: "2001:db8:1:2::1").description == "2001:db8:1:2::/64")
        #expect(AddressBlock(ip: "2001:db8:1:2::1") != AddressBlock(ip: "2001:db8:1:3::1"))
        #expect(AddressBlock(ip: "::ffff:192.0.2.7") == AddressBlock(ip: "192.0.2.7"))
        #expect(AddressBlock(ip: "fe80::1%eth0") == AddressBlock(ip: "fe80::2%eth1"))
    }

    @Test func peersAreReadAsGRPCDescribesThem() {
        #expect(AddressBlock(peer: "ipv4:192.0.2.7:4711") == AddressBlock(ip: "192.0.2.7"))
        #expect(AddressBlock(peer: "ipv6:[2001:db8::1]:4711") == AddressBlock(ip: "2001:db8::2"))
        #expect(AddressBlock(peer: "ipv6:2001:db8::1") == AddressBlock(ip: "2001:db8::2"))
        for text in ["", "unix:/run/x", "ipv4:", "ipv6:[", "ipv4:a.b.c.d:1", "[]"] {
            #expect(AddressBlock(peer: text) == .unknown, "\(text)")
        }
    }
}

@Suite struct ConnectionTableTests {
    private typealias Table = ConnectionTable<Int>
    private let a = AddressBlock(ip: "192.0.2.1")
    private let b = AddressBlock(ip: "192.0.2.2")

    @Test func theOldestStrangerGoesAndTheOneThatFloodsFirst() {
        var table = Table(ConnectionLimits(total: 100, strangers: 4, strangersPerAddress: 3))
        for id in 1...3 { #expect(table.admit(id, from: b) == .admitted(displacing: nil)) }
        // The fourth of one address displaces that address's oldest.
        #expect(table.admit(4, from: b) == .admitted(displacing: 1))
        #expect(table.admit(5, from: a) == .admitted(displacing: nil))
        // All are as many as may be: the oldest of the address with the most goes, though another is as old.
        #expect(table.admit(6, from: a) == .admitted(displacing: 2))
        #expect(table.count == 4 && table.strangerCount == 4)
    }

    @Test func manyAddressesDisplaceTheOldestOfAll() {
        var table = Table(ConnectionLimits(total: 100, strangers: 3, strangersPerAddress: 3))
        for id in 1...3 { _ = table.admit(id, from: AddressBlock(ip: "192.0.2.\(id)")) }
        #expect(table.admit(4, from: AddressBlock(ip: "192.0.2.4")) == .admitted(displacing: 1))
        #expect(table.admit(5, from: AddressBlock(ip: "192.0.2.5")) == .admitted(displacing: 2))
    }

    @Test func whoIsKnownIsNotDisplacedByStrangers() {
        var table = Table(ConnectionLimits(total: 4, strangers: 2, strangersPerAddress: 2, perPeer: 2))
        for id in 1...2 {
            _ = table.admit(id, from: a)
            #expect(table.recognise(id, as: "east-\(id)") == nil)
        }
        for id in 3...9 { _ = table.admit(id, from: b) }
        #expect(table.count == 4 && table.strangerCount == 2)
        #expect(table.connections(of: "east-1") == [1] && !table.isStranger(1))
        // Of one that is known, its own oldest goes.
        table.remove(9)
        _ = table.admit(10, from: a)
        #expect(table.recognise(10, as: "east-1") == nil)
        table.remove(8)
        _ = table.admit(11, from: a)
        #expect(table.recognise(11, as: "east-1") == 1)
        #expect(table.connections(of: "east-1") == [10, 11])
    }

    @Test func strangersKeepTheirPlacesWhoeverIsKnown() {
        var table = Table(ConnectionLimits(total: 6, strangers: 4, strangersPerAddress: 4, perPeer: 5, reserved: 2))
        for id in 1...4 {
            #expect(table.admit(id, from: a) == .admitted(displacing: nil))
            #expect(table.recognise(id, as: id < 4 ? "ann" : "bob") == nil)
        }
        // The fifth that is known takes the place of one of who has the most, whoever it is itself.
        _ = table.admit(5, from: a)
        #expect(table.recognise(5, as: "bob") == 1)
        _ = table.admit(6, from: a)
        #expect(table.recognise(6, as: "carl") == 2)
        #expect(table.connections(of: "ann") == [3] && table.connections(of: "carl") == [6])
        for id in 7...8 { #expect(table.admit(id, from: b) == .admitted(displacing: nil)) }
        #expect(table.admit(9, from: b) == .refused)
        // Where nobody has two, who comes last gets none.
        var few = Table(ConnectionLimits(total: 3, strangers: 3, strangersPerAddress: 3, reserved: 1))
        for id in 1...3 {
            _ = few.admit(id, from: a)
            #expect(few.recognise(id, as: "\(id)") == (id == 3 ? 3 : nil))
        }
        #expect(few.count == 2)
    }

    @Test func whereAllAreKnownANewOneIsRefused() {
        var table = Table(ConnectionLimits(total: 2, strangers: 2, strangersPerAddress: 2))
        for id in 1...2 {
            _ = table.admit(id, from: a)
            _ = table.recognise(id, as: "east-\(id)")
        }
        #expect(table.admit(3, from: a) == .refused)
        table.remove(1)
        #expect(table.admit(3, from: a) == .admitted(displacing: nil))
        table.remove(3)
        table.remove(3)
        #expect(table.count == 1 && table.strangerCount == 0)
    }
}
