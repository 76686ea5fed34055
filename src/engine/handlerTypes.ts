/**
 * The casts between handlers, which the engine registers by name, and the types that say which intents have one.
 *
 * `Intent.Handler<"Pay">` is a requirement in types alone: no service stands behind it, and nobody asks for one. Boundary: types;
 * this file decides nothing.
 */
import * as Context from "effect/Context"
import type * as Layer from "effect/Layer"
import { type Handler, handler, isHandler } from "../intents/IntentHandler.ts"
import type { HandlerOf } from "../program/intentKind.ts"

/** The service that shows that a kind of intents has a handler. It holds nothing. */
export const handlerContext = Context.empty() as unknown as Context.Context<unknown>

/** Defines a handler from the arguments of either form. `handler` checks them. */
export const untypedHandler = (kind: unknown, perform: unknown, options: object | undefined): Handler<never> =>
  (handler as (kind: unknown, perform: unknown, options: object | undefined) => Handler<never>)(kind, perform, options)

/** A layer of an engine provides the handlers that the engine was given. */
export const withHandlers = <Name extends string, Out, In>(
  layer: Layer.Layer<Out, never, In>
): Layer.Layer<Out | HandlerOf<Name>, never, In> => layer as Layer.Layer<Out | HandlerOf<Name>, never, In>

/** Whether a value is a handler whose services are there. The compiler does not know those of an imported handler. */
export const isProvided = (value: unknown): value is Handler => isHandler(value)
