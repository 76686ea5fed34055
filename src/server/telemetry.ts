/**
 * Traces, logs and metrics to an OpenTelemetry collector, as the standard OTEL_* variables say; nothing without them.
 *
 * Probes and scrapes make no spans, and values of queries are not told. A request's span is the child of the caller's
 * (`traceparent`); those of its job, cycles and agents are below it. Boundary: Effect's exporter, set up.
 */
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as UrlParams from "effect/http/UrlParams"
import * as Layer from "effect/Layer"
import * as Otlp from "effect/observability/Otlp"
import type { Flusher } from "effect/observability/OtlpExporter"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as Schema from "effect/Schema"
import { routeOf } from "./fallback.ts"
import { noKnownRoute } from "./guard.ts"
import { packageVersion } from "./nodeServer.ts"

/** What OpenTelemetry's specification says of signals whose exporter nobody names. */
const standard = {
  OTEL_TRACES_EXPORTER: "otlp",
  OTEL_METRICS_EXPORTER: "otlp",
  OTEL_LOGS_EXPORTER: "otlp"
}

const attributes = Config.withDefault(
  Config.Record(Schema.String, Schema.String, "OTEL_RESOURCE_ATTRIBUTES"),
  undefined
)

/**
 * The name and the version of the service where nobody gives them: neither OTEL_SERVICE_NAME nor, in OTEL_RESOURCE_ATTRIBUTES,
 * `service.name`. The exporter itself would take a default for what was asked for.
 */
const defaults = Effect.gen(function* () {
  const given = yield* attributes
  const version = yield* packageVersion
  return ConfigProvider.fromEnvRecord({
    ...standard,
    ...(given?.["service.name"] === undefined ? { OTEL_SERVICE_NAME: "converge" } : {}),
    ...(given?.["service.version"] === undefined ? { OTEL_SERVICE_VERSION: version } : {})
  })
})

/** The path of a request, without its query. */
const pathOf = ({ originalUrl }: HttpServerRequest): string =>
  originalUrl.replace(/^https?:\/\/[^/]*/, "").replace(/\?.*$/s, "")

/** Parameters of the API that tell nothing of anybody. The values of all others are not for a collector. */
const plainParameters = ["after", "facts", "limit", "status"]

const ofRequests = Layer.mergeAll(
  HttpMiddleware.layerTracerDisabledForUrls(["/health", "/ready", "/metrics"]),
  // Paths have ids in them, so there are as many as there are jobs: a span is named after its route.
  Layer.succeed(HttpMiddleware.SpanNameGenerator)(
    (request) => `${request.method} ${routeOf(pathOf(request)) ?? noKnownRoute}`
  ),
  Layer.succeed(UrlParams.CurrentRedactedNames)([new RegExp(`^(?!(?:${plainParameters.join("|")})$)`, "s")])
)

export const telemetry: Layer.Layer<Flusher> = Layer.merge(
  ofRequests,
  Layer.unwrap(
    Effect.map(Effect.orDie(defaults), (found) =>
      Otlp.layerFromConfig().pipe(
        Layer.provide(OtlpSerialization.layerJson),
        Layer.provide(FetchHttpClient.layer),
        Layer.provide(ConfigProvider.layerAdd(found))
      )
    )
  )
)
