internal import Dispatch
internal import Glibc

/// The server's keeper: a shell that starts and stops it on order, and that ends it and removes its directory as soon as
/// the socket to this process closes. The kernel closes that even when this process is killed.
actor ServerProcess {
    private let control: CInt
    private let directory: String

    /// Reads orders, one a line; answers each by a line.
    private static let script = """
        # Nothing stays open here that whoever started the tests may wait for.
        exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
        directory=$1; binaries=$2; pid=
        cd "$directory" || exit 1
        running() { [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; }
        family() { echo "$pid" $(ps -o pid= --ppid "$pid"); }
        end() { if running; then kill -CONT $(family) 2>/dev/null; kill "-$1" "$pid"; wait "$pid"; fi; pid=; }
        while read -r order argument; do
            answer=ok
            case $order in
                create)
                    "$binaries/initdb" -D data -U postgres -A trust -E UTF8 --locale=C --no-sync --no-instructions \\
                        >>log 2>&1 || answer=failed
                    echo "include '../settings.conf'" >>data/postgresql.conf ;;
                start) "$binaries/postgres" -D data >>log 2>&1 </dev/null & pid=$! ;;
                stop) end INT ;;
                kill) end QUIT ;;
                freeze) kill -STOP $(family) ;;
                thaw) kill -CONT $(family) ;;
                # The server takes room meanwhile: to find no more is as good.
                fill)
                    free=$(df -k --output=avail data | tail -n 1)
                    head -c $(((free - argument) * 1024)) /dev/zero >>data/ballast 2>/dev/null || : ;;
                empty) rm -f data/ballast ;;
                backup)
                    rm -rf backup
                    "$binaries/pg_basebackup" -D backup -h "$directory" -p "$argument" -U postgres -w -X stream -c fast \\
                        --no-sync >>log 2>&1 </dev/null || answer=failed ;;
                restore)
                    end QUIT
                    find data -mindepth 1 -delete && cp -a backup/. data/ || answer=failed ;;
                running) if running; then answer=yes; else answer=no; fi ;;
            esac
            echo "$answer"
        done
        end QUIT
        # A disk of its own is unmounted and removed by who mounted it.
        cd / && rm -rf "$directory" 2>/dev/null
        """

    /// Mounts a disk where only this process and its children see it, so that it goes with them; runs the rest, and tidies up.
    private static let mountScript = """
        disk=$1
        mkdir "$disk" && mount -t tmpfs -o "size=$2m,mode=0700,uid=$3,gid=$4" tmpfs "$disk" || exit 1
        shift 4
        "$@"
        umount "$disk"; rm -rf "${disk%/*}"
        """

    private static let privately = ["unshare", "--mount", "--propagation", "private", "--"]

    /// Whether a disk can be mounted that way.
    static func canMount() -> Bool {
        guard geteuid() == 0, let folder = try? ServerFiles.makeDirectory(owner: nil) else { return false }
        defer { rmdir(folder) }
        var arguments = (privately + ["mount", "-t", "tmpfs", "tmpfs", folder]).map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var process = pid_t()
        var status: Int32 = 0
        guard posix_spawnp(&process, "unshare", nil, nil, &arguments, environ) == 0 else { return false }
        return waitpid(process, &status, 0) == process && status == 0
    }

    init(directory: String, binaries: String, owner: ServerFiles.Owner?, diskSize: Int? = nil) throws {
        self.directory = directory
        // Closed in every program that anybody starts: a copy elsewhere would keep the server alive.
        var ends: [CInt] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw ServerFiles.failure("socketpair") }
        defer { close(ends[1]) }
        var words = ["/bin/sh", "-c", ServerProcess.script, "postgres-keeper", directory, binaries]
        if let owner {
            words = ["setpriv", "--reuid=\(owner.user)", "--regid=\(owner.group)", "--clear-groups", "--"] + words
        }
        if let diskSize {
            let (user, group) = (owner?.user ?? geteuid(), owner?.group ?? getegid())
            words =
                Self.privately
                + [
                    "/bin/sh", "-c", Self.mountScript, "disk", directory + "/data", "\(diskSize)", "\(user)",
                    "\(group)",
                ]
                + words
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        // A group of its own: the terminal's interrupt is for the tests, and the keeper hears of their end by itself.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        var arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var process = pid_t()
        let status = posix_spawnp(&process, words[0], &actions, &attributes, &arguments, environ)
        guard status == 0 else {
            close(ends[0])
            throw PostgresServerError(message: "\(words[0]) cannot be started: \(String(cString: strerror(status)))")
        }
        control = ends[0]
    }

    deinit { close(control) }

    /// Gives an order and waits for the answer, on a thread that may block.
    @discardableResult
    func order(_ order: String) async throws -> String {
        let control = control
        let answer: String? = await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                let bytes = Array((order + "\n").utf8)
                guard send(control, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
                    return continuation.resume(returning: nil)
                }
                var line: [UInt8] = []
                var byte: UInt8 = 0
                while read(control, &byte, 1) == 1, byte != UInt8(ascii: "\n") { line.append(byte) }
                continuation.resume(returning: line.isEmpty ? nil : String(decoding: line, as: UTF8.self))
            }
        }
        guard let answer, answer != "failed" else {
            throw PostgresServerError(
                message: "the keeper of the PostgreSQL server in \(directory) could not \(order): "
                    + ServerFiles.tail(of: directory + "/log"))
        }
        return answer
    }
}
