internal import FoundationEssentials
internal import Hummingbird

extension Response {
    /// A JSON body. Never cached: what it tells changes.
    init(json value: some Encodable, status: HTTPResponse.Status = .ok) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else {
            self.init(status: .internalServerError)
            return
        }
        self.init(
            status: status,
            headers: [
                .contentType: "application/json", .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
                .contentLength: "\(data.count)",
            ],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: data)))
    }
}
