/// Every decoder of bytes from outside.
enum FuzzTargets {
    static let all =
        ObjectTargets.all + ModelTargets.all + KubernetesTargets.all + WireTargets.all + IdentityTargets.all
        + StoredTargets.all + SimulatorTargets.all
}
