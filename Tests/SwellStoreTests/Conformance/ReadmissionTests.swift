internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Testing

/// The door that is opened after a restore, and tokens that are shown in the wrong place.
@Suite struct ReadmissionTests: AgentStory {
    /// A wrong kubeconfig and a new token cost the healthy agent nothing.
    @Test(arguments: StoreForm.allCases)
    func aTokenBeforeAnotherClusterIsNotSpent(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            for (cluster, serial, uid) in [("east-1", "s1", "u1"), ("west-1", "s2", "u2")]
                as [(ClusterName, String, String)]
            {
                try await join(cluster, serial, store)
                try await use(serial, cluster, store)
                #expect(try await store.noteClusterUID(uid, of: cluster) == .isNoted)
            }
            let later = try await store.now() + .hours(1)
            try await store.createToken(hash: "h", cluster: "west-1", expiresAt: later, by: "ann")
            let asked = try await note("s3", store)
            #expect(try await store.spendToken(hash: "h", for: asked, clusterUID: "u1") == .isOf("east-1"))
            #expect(try await standing("s2", "west-1", store).counts)
            #expect(try await standing("s3", "west-1", store) == .unknown)
            // Who has no good token hears nothing of others' uids.
            #expect(try await store.spendToken(hash: "none", for: asked, clusterUID: "u1") == .isNotGood)
            // One that keeps to namespaces may share a cluster, and one that was built again has another uid.
            let own = try await note("s4", store)
            #expect(try await store.spendToken(hash: "h", for: own, clusterUID: "u3") == .spent("west-1"))
            #expect(try await store.spendToken(hash: "h", for: asked, clusterUID: "u1") == .isNotGood)
            #expect(try await standing("s2", "west-1", store) == .superseded)
            try await store.createToken(hash: "h2", cluster: "east-2", expiresAt: later, by: "ann")
            #expect(try await store.spendToken(hash: "h2", for: asked, clusterUID: "a/u1") == .spent("east-2"))
        }
    }

    @Test(arguments: StoreForm.allCases)
    func aDoorThatStandsOpenIsSeenAndClosed(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            func open() async throws -> [ClusterName] {
                try await store.clusters().filter { $0.readmittedUntil != nil }.map(\.cluster.name)
            }
            let end = try await store.now() + .hours(1)
            _ = try await store.openReadmission(of: ["east-1", "east-2"], until: end, by: "ann")
            #expect(try await open() == ["east-1", "east-2"])
            #expect(try await store.clusters().first { $0.cluster.name == "east-1" }?.readmittedUntil == end)
            #expect(try await store.closeReadmission(of: ["east-1", "west-1"], by: "bob") == ["east-1"])
            #expect(try await standing("s7", "east-1", store) == .unknown)
            #expect(try await standing("s7", "east-2", store) == .awaited)
            let past = try await store.now() - .seconds(1)
            _ = try await store.openReadmission(of: ["west-1"], until: past, by: "ann")
            #expect(try await open() == ["east-2"])
            #expect(try await store.closeReadmission(of: nil, by: "bob") == ["east-2"])
            #expect(try await store.closeReadmission(of: nil, by: "bob") == [])
            await expect(.notFound) { () async throws(StoreError) in
                _ = try await store.closeReadmission(of: ["nowhere"], by: "bob")
            }
            let closed = try await events("readmission-closed", store)
            #expect(closed.map(\.cluster) == ["east-1", "east-2"] && closed.allSatisfy { $0.by == "bob" })
            #expect(closed.allSatisfy { $0.region != nil })
        }
    }

    @Test(arguments: StoreForm.allCases)
    func whatWasRevokedComesInByNoDoor(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            for (cluster, serial) in [("east-1", "s1"), ("east-2", "s2")] as [(ClusterName, String)] {
                try await join(cluster, serial, store)
                try await use(serial, cluster, store)
            }
            #expect(try await store.revokedClusters(of: nil) == [])
            _ = try await store.revokeCertificates(of: "east-1", serial: nil, reason: nil, by: "ann")
            #expect(try await store.revokedClusters(of: nil) == ["east-1"])
            #expect(try await store.revokedClusters(of: ["east-2", "west-1"]) == [])
            try await join("east-1", "s3", store)
            #expect(try await store.revokedClusters(of: nil) == [])
            _ = try await store.revokeCertificates(of: "east-2", serial: "s2", reason: nil, by: "ann")
            #expect(try await store.revokedClusters(of: nil) == ["east-2"])
        }
    }

    @Test(arguments: StoreForm.allCases)
    func afterARestoreOneUnknownCertificateOfEachNamedClusterIsTakenIn(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await join("east-1", "s1", store)
            #expect(try await !store.readmit(note("s7", store), of: "east-1"))
            let end = try await store.now() + .hours(1)
            #expect(try await store.openReadmission(of: ["east-1"], until: end, by: "ann") == ["east-1"])
            #expect(try await standing("s7", "east-1", store) == .awaited)
            #expect(try await standing("s7", "east-2", store) == .unknown)
            #expect(try await store.readmit(note("s7", store), of: "east-1"))
            try await use("s7", "east-1", store)
            #expect(try await standing("s7", "east-1", store).counts)
            #expect(try await standing("s1", "east-1", store) == .superseded)
            // One, and no more.
            #expect(try await standing("s8", "east-1", store) == .unknown)
            #expect(try await !store.readmit(note("s8", store), of: "east-1"))
            #expect(try await store.openReadmission(of: nil, until: end, by: "ann").contains("east-2"))
            // A revocation closes the door.
            _ = try await store.revokeCertificates(of: "east-1", serial: nil, reason: nil, by: "ann")
            #expect(try await standing("s8", "east-1", store) == .unknown)
            let past = try await store.now() - .seconds(1)
            _ = try await store.openReadmission(of: ["east-2"], until: past, by: "ann")
            #expect(try await standing("s8", "east-2", store) == .unknown)
            await expect(.notFound) { () async throws(StoreError) in
                _ = try await store.openReadmission(of: ["nowhere"], until: end, by: "ann")
            }
            #expect(try await events("readmitted", store).map(\.to) == ["s7"])
        }
    }
}
