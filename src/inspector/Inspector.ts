/**
 * Shows the jobs and the workers of an engine to an inspector, as a Layer.
 *
 * Boundary: composition; Stately.ts publishes.
 */
import * as Layer from "effect/Layer"
import { inspection } from "../platform/inspection.ts"
import { connect, type InvalidInspectorUrl, type Options } from "./Stately.ts"

/**
 * A Layer that shows all jobs of an engine on a Stately inspector's relay: their machines, their child jobs below them, and
 * the workers of the pool below an actor of their own.
 *
 * Provide it to the engine and its pool. It sets `Engine.inspect` for them, and connects as `Stately.connect` does, with its
 * defaults: a missing relay is no error, a slow one loses the oldest messages, and neither keeps a job waiting. Its connection
 * ends with the Layer, after the engine. A watched job takes its steps by XState's own procedure, which is slower.
 *
 *     Engine.layerMemory.pipe(Layer.provide(Inspector.layerStately({ url: "ws://localhost:8080" })))
 *
 * Fails only with `InvalidInspectorUrl`. Any other invalid option is a defect, `InvalidOptions`.
 */
export const layerStately = (options: Options): Layer.Layer<never, InvalidInspectorUrl> =>
  Layer.effect(inspection)(connect(options))
