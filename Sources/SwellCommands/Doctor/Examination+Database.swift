internal import SwellModel

extension Examination {
    private var facts: InstallationView.Database { installation.database }

    var database: [Finding] {
        [databaseVersion, durability] + (facts.settings["autovacuum"] == "off" ? [vacuum] : [])
            + (facts.isSuperuser ? [superuser] : role)
    }

    private var databaseVersion: Finding {
        let text = "PostgreSQL \(facts.version / 10_000).\(facts.version % 10_000)"
        if facts.isInRecovery {
            return .broken(
                "database", "\(text) is a standby, which nobody can write to",
                "give the coordinator the primary; with several hosts in the URL, target_session_attrs=read-write")
        }
        if facts.isReadOnly == true {
            return .broken(
                "database", "\(text) is read-only: default_transaction_read_only is on, so every order is refused",
                "find out who set it (a full disk, a move?); then, by psql with PGOPTIONS='-c default_transaction_read_only=off' in its environment, ALTER DATABASE … or ALTER ROLE … RESET default_transaction_read_only, or ALTER SYSTEM RESET of it and SELECT pg_reload_conf(), wherever it was set; the coordinator goes on by itself, some seconds later"
            )
        }
        if facts.version < 140_000 {
            return .broken("database", "\(text) is too old", "move to PostgreSQL 14 or later")
        }
        if facts.migrations < facts.knownMigrations {
            return .broken(
                "database", "\(facts.migrations) of \(facts.knownMigrations) migrations were applied",
                "restart the coordinator: it applies them when it starts, and says why where it cannot")
        }
        if facts.migrations > facts.knownMigrations {
            return .warning(
                "database",
                "a newer coordinator has brought the schema to \(facts.migrations), this one knows \(facts.knownMigrations)",
                "bring this replica up to the same version: once it restarts, it will refuse to start")
        }
        return .ok("database", "\(text), schema \(facts.migrations)")
    }

    private var durability: Finding {
        let off = ["fsync", "full_page_writes", "synchronous_commit"].filter { facts.settings[$0] == "off" }
        guard off.isEmpty else {
            return .broken(
                "durability",
                "\(off.joined(separator: ", ")) \(off.count == 1 ? "is" : "are") off: a crash of the database's machine loses orders that were answered as taken, and may corrupt all",
                "set \(off.map { "\($0) = on" }.joined(separator: ", ")) in postgresql.conf and reload")
        }
        return .ok("durability", "what is committed is on disk")
    }

    private var vacuum: Finding {
        .warning(
            "autovacuum", "it is off: rows that change with every heartbeat will fill the disk",
            "set autovacuum = on in postgresql.conf and reload")
    }

    private var role: [Finding] {
        guard let owns = facts.ownsTables else { return [] }
        return [
            .ok(
                "database role",
                owns
                    ? "it owns the tables, and so could change the audit log; `swell-coordinator migrate --service-role` makes two of it"
                    : "it owns none of the tables that it works on")
        ]
    }

    private var superuser: Finding {
        .warning(
            "database role", "the coordinator is a superuser of the database",
            "give it a role that owns its own database and nothing else")
    }

    var tls: Finding {
        guard facts.isRemote else { return .ok("database TLS", "the database is on this machine") }
        guard let version = facts.tls else {
            return .broken(
                "database TLS",
                "the connection to another machine is in clear: passwords and Secrets of releases are read on the way",
                "put sslmode=verify-full&sslrootcert=FILE into the URL, and ssl = on into postgresql.conf")
        }
        guard facts.sslMode == "verify-full" else {
            return .warning(
                "database TLS",
                "\(version), but sslmode is \(facts.sslMode ?? "prefer"): nobody checks who the server is",
                "put sslmode=verify-full&sslrootcert=FILE into the URL")
        }
        return .ok("database TLS", "\(version), verify-full")
    }

    /// Every replica has its pool, two connections for leases and presence, one that listens, and one for migrations at its start.
    var connections: Finding {
        let limit = Int(facts.settings["max_connections"] ?? "") ?? 0
        let reserved = facts.isSuperuser ? 0 : Int(facts.settings["superuser_reserved_connections"] ?? "") ?? 0
        let usable = limit - reserved
        let replica = installation.coordinator.databaseConnections + 4
        let free = usable - facts.connections
        guard limit > 0 else { return .ok("database connections", "\(facts.connections) in use") }
        let words = "\(facts.connections) of \(usable) in use"
        if free <= 0 || usable < replica {
            return .broken(
                "database connections", "\(words), and a replica takes up to \(replica)",
                "raise max_connections, which takes a restart of the database, or lower --database-connections")
        }
        if free < replica {
            return .warning(
                "database connections", "\(words): one more replica, which takes up to \(replica), has no room",
                "raise max_connections, which takes a restart of the database, or lower --database-connections")
        }
        return .ok("database connections", words)
    }
}
