/**
 * The idempotency key of a request that starts a job. Boundary: a header in, a key out.
 */
import * as Effect from "effect/Effect"
import * as Problems from "./problems.ts"

export interface KeyHeader {
  readonly "idempotency-key"?: string | undefined
}

const keyPattern = /^[\x21-\x7e][\x20-\x7e]{0,254}$/

/** The key of a request, if it has one. */
export const idempotencyKey = (headers: KeyHeader): Effect.Effect<string | undefined, Problems.InvalidRequest> => {
  const key = headers["idempotency-key"]
  if (key === undefined || keyPattern.test(key)) return Effect.succeed(key)
  const detail = "headers.idempotency-key: up to 255 visible characters of ASCII"
  return Effect.fail(new Problems.InvalidRequest({ detail }))
}
