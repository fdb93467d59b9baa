/// The version of the command line and of the API that it speaks.
public enum SwellVersion {
    public static let text = "0.1.0"
}
