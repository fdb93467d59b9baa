/// A type of PostgreSQL's, by its object identifier.
public struct PostgresType: Hashable, Sendable, CustomStringConvertible {
    /// The type's object identifier; 0 leaves it to the server to infer.
    public let oid: UInt32
    /// The object identifier of the array of this type; 0 where there is none that is known here.
    public let arrayOID: UInt32

    init(oid: UInt32, arrayOID: UInt32 = 0) {
        self.oid = oid
        self.arrayOID = arrayOID
    }

    /// The server finds out from the statement.
    public static let inferred = PostgresType(oid: 0)
    public static let bool = PostgresType(oid: 16, arrayOID: 1000)
    public static let bytea = PostgresType(oid: 17, arrayOID: 1001)
    public static let char = PostgresType(oid: 18, arrayOID: 1002)
    public static let name = PostgresType(oid: 19, arrayOID: 1003)
    public static let int8 = PostgresType(oid: 20, arrayOID: 1016)
    public static let int2 = PostgresType(oid: 21, arrayOID: 1005)
    public static let int4 = PostgresType(oid: 23, arrayOID: 1007)
    public static let text = PostgresType(oid: 25, arrayOID: 1009)
    public static let oidType = PostgresType(oid: 26, arrayOID: 1028)
    public static let xid = PostgresType(oid: 28, arrayOID: 1011)
    public static let json = PostgresType(oid: 114, arrayOID: 199)
    public static let float4 = PostgresType(oid: 700, arrayOID: 1021)
    public static let float8 = PostgresType(oid: 701, arrayOID: 1022)
    public static let unknown = PostgresType(oid: 705)
    public static let bpchar = PostgresType(oid: 1042, arrayOID: 1014)
    public static let varchar = PostgresType(oid: 1043, arrayOID: 1015)
    public static let date = PostgresType(oid: 1082, arrayOID: 1182)
    public static let timestamp = PostgresType(oid: 1114, arrayOID: 1115)
    public static let timestamptz = PostgresType(oid: 1184, arrayOID: 1185)
    public static let interval = PostgresType(oid: 1186, arrayOID: 1187)
    public static let numeric = PostgresType(oid: 1700, arrayOID: 1231)
    public static let void = PostgresType(oid: 2278)
    public static let uuid = PostgresType(oid: 2950, arrayOID: 2951)
    public static let jsonb = PostgresType(oid: 3802, arrayOID: 3807)
    public static let xid8 = PostgresType(oid: 5069, arrayOID: 271)

    private static let named: [(PostgresType, String)] = [
        (.bool, "boolean"), (.bytea, "bytea"), (.char, "\"char\""), (.name, "name"), (.int8, "bigint"),
        (.int2, "smallint"), (.int4, "integer"), (.text, "text"), (.oidType, "oid"), (.xid, "xid"), (.json, "json"),
        (.float4, "real"), (.float8, "double precision"), (.unknown, "unknown"), (.bpchar, "character"),
        (.varchar, "character varying"), (.date, "date"), (.timestamp, "timestamp without time zone"),
        (.timestamptz, "timestamp with time zone"), (.interval, "interval"), (.numeric, "numeric"), (.void, "void"),
        (.uuid, "uuid"), (.jsonb, "jsonb"), (.xid8, "xid8"),
    ]

    private static let byOID: [UInt32: (type: PostgresType, name: String)] = {
        var table: [UInt32: (type: PostgresType, name: String)] = [:]
        for (type, name) in named {
            table[type.oid] = (type, name)
            if type.arrayOID != 0 {
                table[type.arrayOID] = (PostgresType(oid: type.arrayOID), name + "[]")
            }
        }
        return table
    }()

    /// The type with an object identifier, as a result's column names it.
    static func withOID(_ oid: UInt32) -> PostgresType { byOID[oid]?.type ?? PostgresType(oid: oid) }

    /// The name that SQL uses.
    public var description: String {
        if oid == 0 { return "inferred" }
        return PostgresType.byOID[oid]?.name ?? "type \(oid)"
    }
}
