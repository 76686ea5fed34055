/**
 * The text format of Prometheus, read strictly, and what `promtool check metrics` complains of.
 *
 * Boundary: a text in, complaints out.
 */

const sample = /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$/
const units = /_(?:ms|milliseconds|us|ns|minutes|hours|kb|mb|kilobytes|megabytes|percent)(?:_total)?$/

/** The faults of metrics in the text format; empty if there are none. */
export const complaintsOf = (text: string): ReadonlyArray<string> => {
  const complaints: Array<string> = []
  const types = new Map<string, string>()
  const helped = new Set<string>()
  const seen = new Set<string>()
  const closed = new Set<string>()
  let current = ""
  if (!text.endsWith("\n")) complaints.push("the last line does not end")
  for (const line of text.split("\n").slice(0, -1)) {
    const [, keyword, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? []
    if (name !== "" && name !== current) {
      if (closed.has(name)) complaints.push(`${name} comes in two places`)
      closed.add(current)
      current = name
    }
    if (keyword === "HELP") {
      if (helped.has(name)) complaints.push(`${name} has two HELP lines`)
      if (rest === "") complaints.push(`${name} has no help`)
      helped.add(name)
    } else if (keyword === "TYPE") {
      if (types.has(name)) complaints.push(`${name} has two TYPE lines`)
      types.set(name, rest)
      if (rest === "counter" && !name.endsWith("_total"))
        complaints.push(`the counter ${name} does not end with _total`)
      if (rest !== "counter" && name.endsWith("_total")) complaints.push(`${name} ends with _total and is no counter`)
      if (units.test(name)) complaints.push(`${name} has no base unit`)
      if (/_(?:gauge|counter|histogram|summary)\b/.test(name)) complaints.push(`${name} has its type in its name`)
    } else if (!line.startsWith("#")) {
      const [, full = "", labels = "", value = ""] = sample.exec(line) ?? []
      if (full === "") {
        complaints.push(`it cannot be read: ${line}`)
        continue
      }
      const base = types.get(current) === "histogram" ? full.replace(/_(?:bucket|sum|count)$/, "") : full
      if (base !== current) complaints.push(`${full} stands below ${current}`)
      if (!helped.has(base)) complaints.push(`${base} has no HELP line`)
      if (!types.has(base)) complaints.push(`${base} has no TYPE line`)
      if (value !== "+Inf" && value !== "-Inf" && value !== "NaN" && !Number.isFinite(Number(value))) {
        complaints.push(`${full} has the value ${value}`)
      }
      const series = `${full}{${labels}}`
      if (seen.has(series)) complaints.push(`${series} comes twice`)
      seen.add(series)
    }
  }
  return complaints
}
