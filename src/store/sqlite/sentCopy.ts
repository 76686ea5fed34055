/**
 * A copy of a file that is in use, as bytes to send.
 *
 * The copy stands beside the file, where there is room for a second one, and loses its name as soon as it is open. So it goes
 * away when the scope closes, and also when the process dies. Invariant: the copy is complete before the first byte is given.
 * Boundary: the file system; failures have the reasons of the port.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type FileHandle, open, rm } from "node:fs/promises"
import process from "node:process"
import { StoreError } from "../JobStore.ts"
import { copyTo } from "./backup.ts"
import { refusalOf } from "./refusal.ts"

/** Tuning: bytes that are read at once. */
const pieceBytes = 262_144

/** Counts the copies of this process, so that each has a name of its own. */
let copies = 0

const bytesOf = (handle: FileHandle, target: string): Stream.Stream<Uint8Array, StoreError> =>
  Stream.paginate(0, (at) =>
    Effect.map(
      Effect.tryPromise({
        try: () => handle.read(new Uint8Array(pieceBytes), 0, pieceBytes, at),
        catch: (error) => new StoreError(refusalOf(error, target))
      }),
      ({ buffer, bytesRead }) =>
        bytesRead === 0
          ? ([[], Option.none<number>()] as const)
          : ([[buffer.subarray(0, bytesRead)], Option.some(at + bytesRead)] as const)
    )
  )

/** Makes a copy, and gives its bytes. `isImmutable`: no process writes to the file, so reading it makes no file beside it. */
export const sentCopy = (
  from: string,
  isImmutable = false
): Effect.Effect<Stream.Stream<Uint8Array, StoreError>, StoreError, Scope.Scope> => {
  const target = `${from}.${process.pid}-${++copies}.copy`
  const attempt = <A>(run: () => PromiseLike<A>) =>
    Effect.tryPromise({ try: run, catch: (error) => new StoreError(refusalOf(error, target)) })
  const removed = Effect.ignore(attempt(() => rm(target, { force: true })))
  const opened = Effect.andThen(
    copyTo(from, target, isImmutable, Effect.void),
    attempt(() => open(target))
  )
  const handle = Effect.acquireRelease(Effect.ensuring(opened, removed), (file) =>
    Effect.ignore(attempt(() => file.close()))
  )
  return Effect.map(handle, (file) => bytesOf(file, target))
}
