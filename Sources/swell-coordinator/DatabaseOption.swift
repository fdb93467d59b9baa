internal import ArgumentParser
internal import Foundation
internal import PostgresClient
internal import SwellIdentity

/// Where the database is.
struct DatabaseOption: ParsableArguments {
    @Option(help: "PostgreSQL: a postgres:// URL or keywords; by default SWELL_DATABASE_URL.")
    var database: String?

    @Option(help: "A file with that URL, for nobody else to read; its password stays out of the list of processes.")
    var databaseFile: String?

    /// The flag, the file or the variable, checked.
    func configuration() throws -> PostgresConfiguration {
        guard database == nil || databaseFile == nil else {
            throw ValidationError("give --database or --database-file, not both")
        }
        do {
            return try PostgresConfiguration(try text())
        } catch let error as ValidationError {
            throw error
        } catch {
            throw ValidationError("\(error)")
        }
    }

    /// What is wrong with how the password is given, if anything.
    var warning: String? {
        guard database != nil, (try? configuration())?.holdsPassword == true else { return nil }
        return "the database's password is on the command line, where every user of this machine can read it: "
            + "use --database-file, SWELL_DATABASE_URL, or passfile= in the URL"
    }

    private func text() throws -> String {
        if let databaseFile {
            return try SecretFile.read(databaseFile, access: .notEverybody)
                .trimmingCharacters(in: .whitespacesAndNewlines)
        }
        guard let text = database ?? ProcessInfo.processInfo.environment["SWELL_DATABASE_URL"] else {
            throw ValidationError(
                "give --database or --database-file, or set SWELL_DATABASE_URL, to a postgres:// URL")
        }
        return text
    }
}
