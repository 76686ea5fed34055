/**
 * Durations that people write: in flags, variables of the environment, settings, and the bodies of requests.
 *
 * Boundary: the only parser of durations; pure and linear in the length of the text.
 */

/** Milliseconds of each unit, by its names. */
const units: ReadonlyMap<string, number> = new Map(
  (
    [
      [1e-6, "ns nano nanos nanosecond nanoseconds"],
      [1e-3, "us micro micros microsecond microseconds"],
      [1, "ms milli millis millisecond milliseconds"],
      [1_000, "s sec secs second seconds"],
      [60_000, "m min mins minute minutes"],
      [3_600_000, "h hr hrs hour hours"],
      [86_400_000, "d day days"],
      [604_800_000, "w week weeks"]
    ] as const
  ).flatMap(([ms, names]) => names.split(" ").map((name) => [name, ms] as const))
)

/** Longer texts are no durations. */
const longest = 100

const part = /\s*(\d{1,15}(?:\.\d{1,9})?)\s*([a-z]+)\s*/iy

/**
 * The milliseconds of a duration such as `10s`, `500ms`, `1h30m`, `1.5 hours` or `2 minutes 5 seconds`. A plain number means
 * milliseconds. Undefined for any other text.
 */
export const durationMs = (text: string): number | undefined => {
  if (text.length > longest) return undefined
  if (/^\d{1,15}$/.test(text)) return Number(text)
  let sum = 0
  part.lastIndex = 0
  do {
    const [, count, name = ""] = part.exec(text) ?? []
    const unit = units.get(name.toLowerCase())
    // Without a match the pattern starts at the beginning again, so the loop must not go on.
    if (count === undefined || unit === undefined) return undefined
    sum += Number(count) * unit
  } while (part.lastIndex < text.length)
  return sum
}

/** A duration as text, in the longest unit that gives a whole number: 90000 is `90s`. */
export const durationText = (ms: number): string => {
  const found = (["d", "h", "m", "s"] as const).find((name) => ms > 0 && ms % (units.get(name) ?? 1) === 0)
  return found === undefined ? `${ms}ms` : `${ms / (units.get(found) ?? 1)}${found}`
}
