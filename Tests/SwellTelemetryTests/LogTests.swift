internal import FoundationEssentials
internal import Logging
internal import Synchronization
internal import Testing

@testable internal import SwellTelemetry

@Suite struct LogTests {
    final class Lines: Sendable {
        private let list = Mutex<[String]>([])
        var all: [String] { list.withLock { $0 } }
        func add(_ line: String) { list.withLock { $0.append(line) } }
    }

    private func logger(_ settings: LogSettings = LogSettings()) -> (Logger, Lines) {
        let lines = Lines()
        let logger = Logger(label: "swell.test") { label in
            LogfmtHandler(
                label: label, settings: settings, now: { Date(timeIntervalSince1970: 1_800_000_000.25) },
                write: { lines.add($0) })
        }
        return (logger, lines)
    }

    @Test func aRecordIsOneLine() {
        var (logger, lines) = logger()
        logger[metadataKey: "cluster"] = "east-1"
        logger.info("target healthy", metadata: ["took": "3 s", "n": .stringConvertible(4), "list": ["a", "b"]])
        logger.debug("not shown")
        #expect(
            lines.all == [
                "time=2027-01-15T08:00:00.250Z level=info logger=swell.test msg=\"target healthy\" cluster=east-1 list=[a,b] n=4 took=\"3 s\"\n"
            ])
    }

    @Test func textCannotForgeLinesOrColours() {
        let (logger, lines) = logger()
        logger.warning("a\nlevel=error \u{1b}[31m", metadata: ["k\n=": "x=\"y\"\\\u{9b}", "empty": ""])
        #expect(lines.all.count == 1)
        #expect(
            lines.all[0].hasSuffix(
                "msg=\"a\\nlevel=error \\u{1b}[31m\" empty=\"\" k=\"x=\\\"y\\\"\\\\\\u{9b}\"\n"))
    }

    @Test func textIsReadInTheOrderInWhichItWasWritten() {
        let (logger, lines) = logger()
        logger.warning("a\u{202E}b", metadata: ["k\u{200F}\u{1b}": "\u{2066}x\u{85}"])
        #expect(lines.all.first?.hasSuffix("msg=\"a\\u{202e}b\" k=\"\\u{2066}x\\u{85}\"\n") == true, "\(lines.all)")
    }

    @Test func secretsAreMasked() {
        let (logger, lines) = logger()
        logger.error(
            "failed with Bearer abc.def, then",
            metadata: [
                "join-token": "s3cret", "dbPassword": "s3cret", "Authorization": "s3cret",
                "request": ["headers": ["cookie": "s3cret", "host": "h"]], "credentials": ["user": "s3cret"],
                "nested": [["secret": "s3cret"]], "url": "postgres://swell:s3cret@db:5432/swell?x=1",
                "said": "token swell-join.prod.s3cret here", "pem": "-----BEGIN PRIVATE KEY-----\ns3cret",
                "tokenID": "visible",
            ])
        let line = lines.all[0]
        #expect(!line.contains("s3cret"))
        #expect(!line.contains("abc.def"))
        #expect(line.contains("msg=\"failed with Bearer ***, then\""))
        #expect(line.contains("url=\"postgres://swell:***@db:5432/swell?x=1\""))
        #expect(line.contains("said=\"token swell-join.*** here\""))
        #expect(line.contains("request.headers.host=h"))
        #expect(line.contains("tokenID=visible"))
        #expect(line.contains("credentials.user=***"))
    }

    @Test func longValuesAreCut() {
        let (logger, lines) = logger()
        logger.info("m", metadata: ["v": "\(String(repeating: "x", count: 10_000))"])
        #expect(lines.all[0].utf8.count < 4_300)
        #expect(lines.all[0].hasSuffix("…\n"))
    }

    @Test func levelAndColourComeFromFlagEnvironmentAndTerminal() throws {
        let plain = try LogSettings(flag: nil, environment: [:], isTerminal: false)
        #expect(plain.level == .info)
        #expect(!plain.coloured)
        let debug = try LogSettings(flag: nil, environment: ["SWELL_LOG_LEVEL": "Debug"], isTerminal: true)
        #expect(debug.level == .debug)
        #expect(debug.coloured)
        let flag = try LogSettings(flag: "error", environment: ["SWELL_LOG_LEVEL": "debug"], isTerminal: true)
        #expect(flag.level == .error)
        #expect(try !LogSettings(flag: nil, environment: ["NO_COLOR": "1"], isTerminal: true).coloured)
        #expect(try !LogSettings(flag: nil, environment: ["TERM": "dumb"], isTerminal: true).coloured)
        let error = #expect(throws: TelemetryError.self) {
            try LogSettings(flag: "loud", environment: [:], isTerminal: true)
        }
        #expect(error?.message.contains("warning") == true)

        let (logger, lines) = logger(debug)
        logger.error("x")
        #expect(lines.all[0].contains("level=\u{1b}[31merror\u{1b}[0m"))
    }
}
