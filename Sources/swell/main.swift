private import SwellCommands

#if canImport(Glibc)
    private import Glibc
#else
    private import Darwin
#endif

exit(await SwellTool.run(Array(CommandLine.arguments.dropFirst())))
