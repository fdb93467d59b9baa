internal import FoundationEssentials
internal import PostgresClient
internal import PostgresTesting
internal import Testing

@Suite("Values go to the server and come back")
struct TypeTests {
    @Test func scalarsRoundTrip() async throws {
        let id = UUID()
        try await withConnection { connection in
            let row = try await connection.query(
                "SELECT $1 AS a, $2 AS b, $3 AS c, $4 AS d, $5 AS e, $6 AS f, $7 AS g, $8 AS h, $9 AS i, $10 AS j",
                [
                    .int(.min), .int32(-7), .double(0.1), .bool(true), .text("žluťoučký 🐎"), .bytes([0, 255, 7]),
                    .uuid(id), .jsonb(#"{"a": [1, null]}"#), .timestamp(microseconds: 1_700_000_000_123_456), .int16(9),
                ]
            ).single()
            #expect(try row.decode(Int.self, at: "a") == .min)
            #expect(try row.decode(Int32.self, at: "b") == -7)
            #expect(try row.decode(Double.self, at: "c") == 0.1)
            #expect(try row.decode(Bool.self, at: "d"))
            #expect(try row.decode(String.self, at: "e") == "žluťoučký 🐎")
            #expect(try row.decode([UInt8].self, at: "f") == [0, 255, 7])
            #expect(try row.decode(Data.self, at: "f") == Data([0, 255, 7]))
            #expect(try row.decode(UUID.self, at: "g") == id)
            #expect(try row.decode(String.self, at: "h") == #"{"a": [1, null]}"#)
            #expect(try row.decode(PostgresTimestamp.self, at: "i").microseconds == 1_700_000_000_123_456)
            #expect(try row.decode(PostgresTimestamp.self, at: "i").milliseconds == 1_700_000_000_123)
            #expect(try row.decode(Int.self, at: "j") == 9)
        }
    }

    @Test func emptyAndNull() async throws {
        try await withConnection { connection in
            let (text, bytes, nothing, inferred) = try await connection.query(
                "SELECT $1, $2, $3, coalesce($4, 5)", [.text(""), .bytes([]), .text(nil), nil]
            ).single().decode(String.self, [UInt8].self, String?.self, Int.self)
            #expect(text == "")
            #expect(bytes == [])
            #expect(nothing == nil)
            #expect(inferred == 5)
        }
    }

    @Test func arraysRoundTripThroughUnnest() async throws {
        try await withConnection { connection in
            let rows = try await connection.query(
                "SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7) AS t(i, s, b, d, x, j, m)",
                [
                    .ints([1, nil, 3]), .texts(["a", nil, ""]), .bools([true, nil, false]), .doubles([1.5, nil, -0.5]),
                    .byteArrays([[1], nil, []]), .jsonbs(["{}", nil, "[1]"]), .timestamps(milliseconds: [0, nil, -1]),
                ])
            #expect(try rows.map { try $0.decode(Int?.self, at: "i") } == [1, nil, 3])
            #expect(try rows.map { try $0.decode(String?.self, at: "s") } == ["a", nil, ""])
            #expect(try rows.map { try $0.decode(Bool?.self, at: "b") } == [true, nil, false])
            #expect(try rows.map { try $0.decode(Double?.self, at: "d") } == [1.5, nil, -0.5])
            #expect(try rows.map { try $0.decode([UInt8]?.self, at: "x") } == [[1], nil, []])
            #expect(try rows.map { try $0.decode(String?.self, at: "j") } == ["{}", nil, "[1]"])
            #expect(try rows.map { try $0.decode(PostgresTimestamp?.self, at: "m")?.milliseconds } == [0, nil, -1])
        }
    }

    @Test func arraysAreReadAsArrays() async throws {
        try await withConnection { connection in
            let row = try await connection.query(
                "SELECT $1 AS a, $2 AS b, $3 AS c, $4 AS d",
                [.ints([1, 2]), .texts(["x", nil]), .ints([] as [Int]), .byteArrays([[1, 2], [3]])]
            ).single()
            #expect(try row.decode([Int].self, at: "a") == [1, 2])
            #expect(try row.decode([String?].self, at: "b") == ["x", nil])
            #expect(try row.decode([Int].self, at: "c") == [])
            #expect(try row.decode([[UInt8]].self, at: "d") == [[1, 2], [3]])
            #expect(throws: PostgresError.self) { try row.decode([String].self, at: "b") }
        }
    }

    @Test(arguments: ["0", "1", "-1", "12345678901234567890.00120", "0.0001", "-10000.5", "10000", "NaN", "1e-20"])
    func numericsKeepEveryDigit(_ text: String) async throws {
        try await withConnection { connection in
            let row = try await connection.query("SELECT $1::text::numeric, $1::text::numeric::text", [.text(text)])
                .single()
            let (number, expected) = try row.decode(String.self, String.self)
            #expect(number == expected)
        }
    }

    @Test func enumerationsOfSwiftAreStoredByTheirRawValue() async throws {
        enum Phase: String, PostgresEncodable, PostgresDecodable { case waiting, passed }
        try await withConnection { connection in
            let result = try await connection.query("SELECT $1", [.value(Phase.passed)])
            #expect(try result.scalar(Phase.self) == .passed)
            let other = try await connection.query("SELECT 'lost' AS phase")
            #expect(throws: PostgresError.self) { try other.scalar(Phase.self) }
        }
    }

    @Test func wrongTypesNameTheColumn() async throws {
        try await withConnection { connection in
            let row = try await connection.query("SELECT 'x'::text AS name, NULL::int AS size, 70000 AS big").single()
            let text = #expect(throws: PostgresError.self) { try row.decode(Int.self, at: "name") }
            #expect(text?.message == #"column "name" is text, which cannot be read as Int"#)
            let null = #expect(throws: PostgresError.self) { try row.decode(Int.self, at: "size") }
            #expect(null?.message.contains("is NULL") == true)
            let big = #expect(throws: PostgresError.self) { try row.decode(Int16.self, at: "big") }
            #expect(big?.message.contains("out of range") == true)
            let misspelt = #expect(throws: PostgresError.self) { try row.decode(Int.self, at: "nmae") }
            #expect(misspelt?.message.contains("it has: name, size, big") == true)
        }
    }

    @Test func userDefinedTypesAreText() async throws {
        let database = try await PostgresServer.shared().createDatabase()
        try await withConnection(to: database.configuration) { connection in
            try await connection.execute(script: "CREATE TYPE mood AS ENUM ('calm', 'wild'); CREATE TABLE t (m mood)")
            try await connection.query("INSERT INTO t VALUES ($1)", [.inferred("wild")])
            #expect(try await connection.query("SELECT m FROM t").scalar(String.self) == "wild")
        }
    }

    @Test func rowsAreACollection() async throws {
        try await withConnection { connection in
            let result = try await connection.query("SELECT n FROM generate_series(1, 3) AS n")
            var seen: [Int] = []
            for row in result { seen.append(try row.decode(at: "n")) }
            #expect(seen == [1, 2, 3])
            #expect(try result.scalars(Int.self) == [1, 2, 3])
            #expect(result.count == 3)
            let failure = #expect(throws: PostgresError.self) { try result.single() }
            #expect(failure?.code == .unexpectedRowCount)
        }
    }

    @Test func resultsHaveALimit() async throws {
        var configuration = try await PostgresServer.shared().configuration()
        configuration.maximumResultBytes = 1000
        try await withConnection(to: configuration) { connection in
            let error = await failure { try await connection.query("SELECT repeat('x', 2000)") }
            #expect(error?.code == .resultTooLarge)
            let one = try await connection.query("SELECT 1").scalar(Int.self)
            #expect(one == 1)
        }
    }
}
