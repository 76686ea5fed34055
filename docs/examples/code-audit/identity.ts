/**
 * How facts of the audit get their ids, and how an agent proposes each of them once.
 *
 * Two facts that differ have two ids, whatever characters their paths and names hold. A file's text is nobody's to
 * trust, so a clash that slips through all the same drops the later fact, and never ends the job.
 *
 * Boundary: pure.
 */

/** White space and control characters, which would hide where a part ends, and the sign that escapes them. */
// oxlint-disable-next-line no-control-regex
const special = /[%\s\u0000-\u001f\u007f]/g

/**
 * An id of several parts. A space separates them and stands in none of them, so other parts, or the same ones cut
 * elsewhere, give another id. Ordinary paths and names stay as they are.
 */
export const identity = (...parts: ReadonlyArray<string | number>): string =>
  parts.map((part) => String(part).replace(special, (found) => encodeURIComponent(found))).join(" ")

/** The part of a kind that `distinct` needs. */
interface Proposing<in out T, out P> {
  readonly id: (value: T) => string
  readonly of: (value: T) => P
}

/** Proposals of a kind, each id once: the first value keeps it. */
export const distinct = <T, P>(kind: Proposing<T, P>, values: ReadonlyArray<T>): ReadonlyArray<P> => {
  const seen = new Set<string>()
  return values
    .filter((value) => {
      const id = kind.id(value)
      if (seen.has(id)) return false
      seen.add(id)
      return true
    })
    .map(kind.of)
}
