/**
 * Encodes an XState inspection event as the text of a Stately inspector message.
 *
 * The encoder projects first and stringifies the rest. A snapshot becomes `{status, value, context, output?, error?}`, and the
 * caller's projection chooses the context. A machine's definition is stringified once per config. The cost of a message
 * therefore depends on the shown values, and not on the size of the actor's state.
 *
 * Invariants: it never throws, whatever the projection or the values do; a message has at most
 * `Limits.inspectorMessageLength` characters besides the definition. A longer message goes out without context, output and
 * payload. Boundary: no socket, no clock.
 */
import * as Predicate from "effect/Predicate"
import type { ActorRefLike, AnyEventObject, InspectionEvent } from "xstate"
import { definitionOf } from "./definition.ts"
import { Limits } from "../Limits.ts"
import { plain } from "./plain.ts"

/** The inspection events that the protocol knows; actions, microsteps and transitions are not sent. */
export type Published = Extract<InspectionEvent, { type: "@xstate.actor" | "@xstate.event" | "@xstate.snapshot" }>

/** Whether the protocol has a message for this event. */
export const isPublished = (event: InspectionEvent): event is Published =>
  event.type === "@xstate.snapshot" || event.type === "@xstate.event" || event.type === "@xstate.actor"

/** Chooses the shown part of an actor's context. It may return any value. If it throws, the message shows the error. */
export type Projection = (context: unknown) => unknown

/** The protocol's version: a receiver ignores messages in which it is not a string. */
const version = "0.7.2"

/** Encodes one message. `createdAt` is the time of the event, in milliseconds since the epoch. */
export const encode = (event: Published, createdAt: number, project: Projection): string => {
  const outlined = (why: string) => stringify(message(event, createdAt, outline(why)))
  try {
    const text = stringify(message(event, createdAt, whole(project)))
    return text.length <= Limits.inspectorMessageLength ? text : outlined(`a message of ${text.length} characters`)
  } catch {
    return outlined("values that cannot be read")
  }
}

/** The shown forms of the values in an event. */
interface Shown {
  readonly snapshot: (snapshot: unknown) => unknown
  readonly event: (event: AnyEventObject) => unknown
}

const message = (event: Published, createdAt: number, shown: Shown): unknown => {
  const { type, actorRef, rootId } = event
  const base = { sessionId: actorRef.sessionId, rootId, createdAt: String(createdAt), id: null, _version: version }
  switch (type) {
    case "@xstate.actor":
      return { type, ...registration(actorRef), snapshot: shown.snapshot(actorRef.getSnapshot()), ...base }
    case "@xstate.event":
      return { type, event: shown.event(event.event), sourceId: event.sourceRef?.sessionId, ...base }
    case "@xstate.snapshot":
      return { type, event: shown.event(event.event), snapshot: shown.snapshot(event.snapshot), ...base }
  }
}

const whole = (project: Projection): Shown => ({
  snapshot: (snapshot) => {
    const context = field(snapshot, "context")
    return {
      status: field(snapshot, "status") ?? "active",
      value: field(snapshot, "value"),
      context: context === undefined ? undefined : projected(context, project),
      output: field(snapshot, "output"),
      error: readable(field(snapshot, "error"))
    }
  },
  event: (event) => (event.error instanceof Error ? { ...event, error: readable(event.error) } : event)
})

const outline = (why: string): Shown => {
  const leftOut = { "(left out)": why }
  return {
    snapshot: (snapshot) => ({
      status: field(snapshot, "status") ?? "active",
      value: field(snapshot, "value"),
      context: leftOut
    }),
    event: ({ type }) => ({ type, ...leftOut })
  }
}

const projected = (context: unknown, project: Projection): unknown => {
  try {
    return project(context)
  } catch (error) {
    return { "(projection failed)": plain(error) }
  }
}

const field = (from: unknown, key: string): unknown => (Predicate.hasProperty(from, key) ? from[key] : undefined)

/** JSON writes an Error as `{}`, so this makes it plain first. */
const readable = (error: unknown): unknown => (error instanceof Error ? plain(error) : error)

const stringify = (value: unknown): string => {
  try {
    return JSON.stringify(value)
  } catch {
    return JSON.stringify(plain(value))
  }
}

interface Registration {
  readonly name: unknown
  readonly parentId: unknown
  readonly definition: string
}

const registration = (actorRef: ActorRefLike): Registration => {
  const id = field(actorRef, "id")
  const config = field(field(actorRef, "logic"), "config")
  return {
    name: id === actorRef.sessionId ? (field(config, "id") ?? id) : id,
    parentId: field(field(actorRef, "_parent"), "sessionId"),
    definition: Predicate.isObject(config) ? definitionText(config) : JSON.stringify({ id })
  }
}

/** The texts of definitions by config, not by machine: `machine.provide` makes a machine per engine and keeps the config. */
const definitions = new WeakMap<object, string>()

const definitionText = (config: object): string => {
  const known = definitions.get(config)
  if (known !== undefined) return known
  const text = JSON.stringify(definitionOf(config))
  definitions.set(config, text)
  return text
}
