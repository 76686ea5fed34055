/**
 * Traces, logs and metrics to an OpenTelemetry collector, as the standard OTEL_* variables say; nothing without them.
 *
 * Probes and scrapes make no spans. A request's span is the child of the caller's (`traceparent`); those of its job, cycles
 * and agents are below it. Boundary: Effect's exporter, set up.
 */
import * as ConfigProvider from "effect/ConfigProvider"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as Layer from "effect/Layer"
import * as Otlp from "effect/observability/Otlp"
import type { Flusher } from "effect/observability/OtlpExporter"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"

/** The name that telemetry goes by, unless OTEL_SERVICE_NAME says otherwise. */
const resource = { serviceName: "converge" }

/** What OpenTelemetry's specification says of signals whose exporter nobody names. */
const standard = ConfigProvider.fromEnvRecord({
  OTEL_TRACES_EXPORTER: "otlp",
  OTEL_METRICS_EXPORTER: "otlp",
  OTEL_LOGS_EXPORTER: "otlp"
})

const quiet = HttpMiddleware.layerTracerDisabledForUrls(["/health", "/ready", "/metrics"])

export const telemetry: Layer.Layer<Flusher> = Layer.merge(
  quiet,
  Otlp.layerFromConfig({ resource }).pipe(
    Layer.provide(OtlpSerialization.layerJson),
    Layer.provide(FetchHttpClient.layer),
    Layer.provide(ConfigProvider.layerAdd(standard))
  )
)
