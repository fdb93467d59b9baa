internal import Dispatch
internal import Foundation

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// The machine's monotonic clock, the same in every process.
package enum MonotonicTime {
    /// Nanoseconds.
    package static func now() -> UInt64 { DispatchTime.now().uptimeNanoseconds }
}

/// Measured values, in order.
package struct Samples: Sendable, Hashable {
    /// Ascending.
    package let values: [Double]

    package init(_ values: some Sequence<Double>) { self.values = values.sorted() }

    package var count: Int { values.count }
    package var p50: Double { quantile(0.5) }
    package var p99: Double { quantile(0.99) }
    package var max: Double { values.last ?? 0 }

    /// The least value that so large a part of all does not exceed; 0 where there are none.
    package func quantile(_ part: Double) -> Double {
        guard !values.isEmpty else { return 0 }
        let place = Int((part * Double(values.count)).rounded(.up)) - 1
        return values[min(values.count - 1, Swift.max(0, place))]
    }
}

/// What a process takes, as `/proc` tells it.
package struct ProcessFigures: Sendable, Hashable {
    /// Its share of memory: what it shares with others is divided among them. Bytes.
    package var share = 0
    /// The most that it ever held. Bytes.
    package var peak = 0
    /// Seconds of processor time, in it and in the kernel for it.
    package var processorTime = 0.0
    /// The same of children that have ended.
    package var waitedTime = 0.0

    /// Nil where there is no such process.
    package init?(of process: Int32) {
        let folder = "/proc/\(process)"
        guard let stat = try? String(contentsOfFile: folder + "/stat", encoding: .utf8),
            let close = stat.lastIndex(of: ")")
        else { return nil }
        // After the name, which may hold anything: state is field 3, utime 14, stime 15.
        let fields = stat[stat.index(after: close)...].split(separator: " ")
        guard fields.count > 14, let user = Double(fields[11]), let system = Double(fields[12]),
            let waitedUser = Double(fields[13]), let waitedSystem = Double(fields[14])
        else { return nil }
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        processorTime = (user + system) / ticks
        waitedTime = (waitedUser + waitedSystem) / ticks
        share = Self.kibibytes("Pss:", in: folder + "/smaps_rollup") * 1_024
        peak = Self.kibibytes("VmHWM:", in: folder + "/status") * 1_024
    }

    /// Begins the peak again, at what the process holds now.
    package static func resetPeak(of process: Int32) throws {
        try "5".write(toFile: "/proc/\(process)/clear_refs", atomically: false, encoding: .utf8)
    }

    private static func kibibytes(_ key: String, in path: String) -> Int {
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(key) }) else { return 0 }
        return line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    }
}

/// How many files and sockets a process may have open.
package enum DescriptorLimit {
    /// Raises it as far as the system lets, and makes sure of `count` and some more.
    package static func ensure(_ count: Int) throws {
        var limit = rlimit()
        #if canImport(Glibc)
            let resource = __rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue))
        #else
            let resource = RLIMIT_NOFILE
        #endif
        guard getrlimit(resource, &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(resource, &limit)
        let needed = count + 512
        guard limit.rlim_cur >= rlim_t(needed) else {
            throw LoadError(
                .tooLittle,
                "this process may open \(limit.rlim_cur) files and sockets, and takes \(needed); raise the limit (ulimit -Hn)"
            )
        }
    }
}
