extension String {
    /// The text in at most `limit` Unicode scalars, 16 at the least; of a longer one the middle gives way to ` … `.
    ///
    /// What failed stands at the beginning. What is wrong with it often comes last: an API server quotes the value that it
    /// does not like, however long, and then says why.
    public func shortened(to limit: Int) -> String {
        let scalars = unicodeScalars
        let limit = max(16, limit)
        guard scalars.count > limit else { return self }
        let mark = " … "
        let room = limit - mark.unicodeScalars.count
        let tail = room * 2 / 5
        var result = UnicodeScalarView(scalars.prefix(room - tail))
        result.append(contentsOf: mark.unicodeScalars)
        result.append(contentsOf: scalars.suffix(tail))
        return String(result)
    }
}
