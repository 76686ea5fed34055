/** A small OpenTelemetry collector over HTTP and JSON: it keeps what it is sent. Boundary: no assertion. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

export interface Attribute {
  readonly key: string
  readonly value: { readonly stringValue?: string; readonly intValue?: number | string }
}

export interface Point {
  readonly attributes: ReadonlyArray<Attribute>
  readonly asDouble?: number
}

export interface CollectedMetric {
  readonly name: string
  readonly unit: string
  readonly sum?: {
    readonly isMonotonic: boolean
    readonly aggregationTemporality: number
    readonly dataPoints: ReadonlyArray<Point>
  }
  readonly gauge?: { readonly dataPoints: ReadonlyArray<Point> }
  readonly histogram?: { readonly aggregationTemporality: number }
}

export interface CollectedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly attributes: ReadonlyArray<Attribute>
  readonly status: { readonly code: number; readonly message?: string }
  readonly links: ReadonlyArray<{ readonly traceId: string; readonly spanId: string }>
}

interface Sent {
  readonly resourceSpans?: ReadonlyArray<{
    readonly resource: Resource
    readonly scopeSpans: ReadonlyArray<{ readonly spans: ReadonlyArray<CollectedSpan> }>
  }>
  readonly resourceMetrics?: ReadonlyArray<{
    readonly resource: Resource
    readonly scopeMetrics: ReadonlyArray<{ readonly metrics: ReadonlyArray<CollectedMetric> }>
  }>
  readonly resourceLogs?: ReadonlyArray<{
    readonly resource: Resource
    readonly scopeLogs: ReadonlyArray<{
      readonly logRecords: ReadonlyArray<{ readonly body: { readonly stringValue?: string } }>
    }>
  }>
}

interface Resource {
  readonly attributes: ReadonlyArray<Attribute>
}

/** Attributes as an object. */
export const valuesOf = (attributes: ReadonlyArray<Attribute>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue]))

export const openCollector = async () => {
  const sent: Array<Sent> = []
  const server = createServer((request, response) => {
    let text = ""
    request.setEncoding("utf8").on("data", (chunk: string) => (text += chunk))
    request.on("end", () => {
      sent.push(JSON.parse(text) as Sent)
      response.writeHead(200, { "content-type": "application/json" }).end("{}")
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get spans() {
      return sent.flatMap(({ resourceSpans = [] }) =>
        resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
      )
    },
    /** The newest state of each metric. */
    get metrics() {
      const newest = sent.findLast(({ resourceMetrics }) => resourceMetrics !== undefined)?.resourceMetrics ?? []
      return newest.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
    },
    get logs() {
      return sent.flatMap(({ resourceLogs = [] }) =>
        resourceLogs.flatMap(({ scopeLogs }) =>
          scopeLogs.flatMap(({ logRecords }) => logRecords.map(({ body }) => body.stringValue ?? ""))
        )
      )
    },
    get resources() {
      return sent
        .flatMap(({ resourceLogs = [], resourceMetrics = [], resourceSpans = [] }) => [
          ...resourceSpans,
          ...resourceMetrics,
          ...resourceLogs
        ])
        .map(({ resource }) => valuesOf(resource.attributes))
    },
    close: () => new Promise((resolve) => server.close(resolve).closeAllConnections())
  }
}
