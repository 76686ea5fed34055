/**
 * Exports traces, logs and metrics to an OpenTelemetry collector as the standard OTEL_* variables say; without them, nothing.
 *
 * Probes and scrapes make no spans, and spans hide the values of queries. A request's span is the child of the caller's
 * (`traceparent`); the spans of its job, cycles and agents are below it. Boundary: Effect's exporter, set up.
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
import { packageVersion } from "../platform/packageVersion.ts"

/** The default exporters of OpenTelemetry's specification, for signals whose variable is not set. */
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
 * The default name and version of the service. They apply if neither OTEL_SERVICE_NAME nor `service.name` in
 * OTEL_RESOURCE_ATTRIBUTES is set, and likewise for the version. The check is ours, since the exporter itself would prefer a
 * default to the attribute that was given.
 */
const defaults = Effect.gen(function* () {
  const given = yield* attributes
  const version = packageVersion
  return ConfigProvider.fromEnvRecord({
    ...standard,
    ...(given?.["service.name"] === undefined ? { OTEL_SERVICE_NAME: "converge" } : {}),
    ...(given?.["service.version"] === undefined ? { OTEL_SERVICE_VERSION: version } : {})
  })
})

/** The path of a request, without its query. */
const pathOf = ({ originalUrl }: HttpServerRequest): string =>
  originalUrl.replace(/^https?:\/\/[^/]*/, "").replace(/\?.*$/s, "")

/** Parameters of the API whose values reveal nothing about anybody. The values of all others are hidden from the collector. */
const plainParameters = ["after", "facts", "limit", "status"]

const ofRequests = Layer.mergeAll(
  HttpMiddleware.layerTracerDisabledForUrls(["/health", "/ready", "/metrics"]),
  // Paths contain the ids of jobs, so there are too many of them for names: a span is named after its route.
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
