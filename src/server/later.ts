/**
 * Fields that servers of earlier versions do not send. Boundary: schemas.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** A schema without services. */
type Plain = Schema.Top & { readonly DecodingServices: never; readonly EncodingServices: never }

/**
 * A field that a server of an earlier version does not send, and the value by which a client then goes. This version always sends
 * it: `laterFields` of document.ts says so to other clients.
 */
export const later = <S extends Plain>(schema: S, absent: S["Encoded"]): Schema.withDecodingDefaultKey<S> =>
  schema.pipe(Schema.withDecodingDefaultKey(Effect.succeed(absent)))
