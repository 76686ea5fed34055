/**
 * Declares metrics in one form, whichever room they belong to. Times are in seconds and counters only grow.
 *
 * Boundary: names, units and attributes; Effect's Metric keeps the values, and an exporter reads them.
 */
import * as Metric from "effect/Metric"

/** A unit in OpenTelemetry's form. Prometheus has units in the names. */
type Unit = "s" | "By"

const options = (description: string, unit: Unit | undefined) => ({
  description,
  ...(unit === undefined ? {} : { attributes: { unit } })
})

/** A value that goes up and down. */
export const gauge = (name: string, description: string, unit?: Unit): Metric.Gauge<number> =>
  Metric.gauge(name, options(description, unit))

/** A sum that only grows. */
export const counter = (name: string, description: string, unit?: Unit): Metric.Counter<number> =>
  Metric.counter(name, { ...options(description, unit), incremental: true })

/** The distribution of some seconds. */
export const histogram = (
  name: string,
  description: string,
  boundaries: ReadonlyArray<number>
): Metric.Histogram<number> => Metric.histogram(name, { ...options(description, "s"), boundaries })

type AnyMetric = Metric.Metric<number, unknown>

const known = new Map<string, AnyMetric>()

/**
 * The metric with attributes. It is made once, because that costs more than an update. Attributes must have few values, since
 * all of them are kept.
 */
export const tagged = (metric: AnyMetric, attributes: Readonly<Record<string, string>>): AnyMetric => {
  const key = [metric.id, ...Object.values(attributes)].join("\n")
  let found = known.get(key)
  if (found === undefined) known.set(key, (found = Metric.withAttributes(metric, attributes)))
  return found
}
