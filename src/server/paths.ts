/**
 * Paths of requests: each route has one spelling.
 *
 * A router that takes `/METRICS`, `//metrics`, `/metrics/`, `/%6detrics` or `/x/../metrics` for `/metrics` lets requests past the
 * rules of a proxy, which knows only the documented spelling. Boundary: pure functions of texts; linear in their length.
 */

/** The path of a request as the client wrote it, without its query. */
export const pathOf = (originalUrl: string): string => {
  const query = originalUrl.indexOf("?")
  const target = query === -1 ? originalUrl : originalUrl.slice(0, query)
  if (target.startsWith("/")) return target
  const path = /^https?:\/\/[^/]+/i.exec(target)
  return path === null ? target : target.slice(path[0].length) || "/"
}

/**
 * Parts of a segment that have another spelling, or none. These are a semicolon and a number sign, at which routers cut a path,
 * a percent sign that escapes nothing, and a percent-encoded letter, digit, hyphen, dot or underscore, which RFC 3986 leaves
 * unencoded.
 */
const oddPart = /[;#]|%(?![\da-f]{2})|%(?:3\d|[46][1-9a-f]|[57][\da]|2[de]|5f)/i

/** Whether a segment can be a parameter. A dot segment cannot, since proxies remove it from the path. */
const isParameter = (segment: string): boolean =>
  segment !== "" && segment !== "." && segment !== ".." && !oddPart.test(segment)

/** Whether a path is the one spelling of a route, such as `/api/v1/jobs/:id`. */
export const isSpelledAs = (route: string, path: string): boolean => {
  const parts = route.split("/")
  const segments = path.split("/", parts.length + 1)
  return (
    segments.length === parts.length &&
    parts.every((part, index) => {
      const segment = segments[index] ?? ""
      return part.startsWith(":") ? isParameter(segment) : segment === part
    })
  )
}
