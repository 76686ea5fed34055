/**
 * The messages between the main thread and the thread that writes.
 *
 * Each `Op` gets one answer, in the order of sending. Boundary: values that can be cloned, and the length of one.
 */
import type { MessagePort } from "node:worker_threads"
import type { Kept } from "../JobStore.ts"
import type { Refusal } from "../refusals.ts"
import type { Silent } from "./owner.ts"
import type { Status } from "../../outcome/Cause.ts"

/** The `workerData` of the thread. */
export interface WriterInit {
  readonly port: MessagePort
  readonly filename: string
  readonly synchronous: "FULL" | "NORMAL"
  readonly busyTimeoutMs: number
  readonly maxBytes: number | undefined
}

/** A context that was sent ahead in `PieceMessage`s: their number, and the count of all pieces. */
export interface Upload {
  readonly number: number
  readonly pieces: number
}

/** A job and the fence of the lease under which it is written. */
interface HeldJob {
  readonly jobId: string
  readonly fence: number
}

export type Op =
  | {
      readonly kind: "create"
      readonly jobId: string
      readonly program: string
      readonly parent: string | undefined
      readonly attributes: Readonly<Record<string, string>> | undefined
      readonly createdAt: number
      readonly text: string
      readonly hash: string
      readonly header: string
      readonly upload: Upload | undefined
      readonly owner: string
      readonly now: number
      readonly leaseUntil: number
    }
  | (HeldJob & {
      readonly kind: "append"
      readonly cycle: number
      readonly text: string
      readonly hash: string
      readonly extra: string
    })
  | (HeldJob & { readonly kind: "note"; readonly text: string; readonly isIdle: boolean })
  | (HeldJob & { readonly kind: "keep" } & Kept)
  | (HeldJob & {
      readonly kind: "rebase"
      readonly cycle: number
      readonly header: string
      readonly keptKeys: ReadonlyArray<string> | undefined
      readonly upload: Upload
    })
  | (HeldJob & { readonly kind: "halt"; readonly status: Status; readonly haltedAt: number; readonly text: string })
  | (HeldJob & { readonly kind: "release"; readonly failure: string | undefined })
  | (HeldJob & { readonly kind: "quarantine"; readonly reason: string })
  | {
      readonly kind: "lease"
      readonly jobId: string
      readonly isForced: boolean
      /** Whether earlier attempts are forgotten. */
      readonly isAnew: boolean
      readonly owner: string
      readonly now: number
      readonly leaseUntil: number
      /** Live owners that have not renewed their leases for the length of a lease. */
      readonly silent: ReadonlyArray<Silent>
    }
  | { readonly kind: "cancel"; readonly jobId: string }
  /** Renews the leases of all jobs that the owner holds. Gives their number. */
  | { readonly kind: "renew"; readonly owner: string; readonly leaseUntil: number }
  /** Releases all jobs that the owner holds. Gives their number. */
  | { readonly kind: "leave"; readonly owner: string }
  /** Removes some of the journals that may go. Gives their number, which is 0 if none is left. */
  | { readonly kind: "prune"; readonly keepLatest: number | undefined; readonly haltedSince: number | undefined }
  /** Removes the journal of a job and of all jobs below it. Gives their number. */
  | {
      readonly kind: "remove"
      readonly jobId: string
      readonly owner: string
      readonly now: number
      readonly leaseMs: number
      readonly silent: ReadonlyArray<Silent>
    }
  /** Deletes some rows of removed journals. Gives the number of journals it came to, which is 0 if nothing is left. */
  | { readonly kind: "collect" }
  /** Does nothing. Its answer follows those of all earlier ops. */
  | { readonly kind: "flush" }
  | { readonly kind: "vacuum" }
  /** Writes a row, commits it, and deletes it again. */
  | { readonly kind: "probe" }
  /** The last op. Closes the file. */
  | { readonly kind: "close" }

/** Pieces of an upload. `pieces` is undefined if the upload was given up. Gets no answer. */
export interface PieceMessage {
  readonly kind: "pieces"
  readonly number: number
  readonly pieces: ReadonlyArray<string> | undefined
}

export type ToWriter = Op | PieceMessage

/** The result of an op: a number, whose meaning depends on the op, or the refusal of an op that changed nothing. */
export type Outcome = number | Refusal

export type FromWriter =
  | { readonly kind: "opened" }
  | { readonly kind: "unopened"; readonly refusal: Refusal }
  /** Outcomes of the oldest ops that have none yet. */
  | { readonly kind: "outcomes"; readonly outcomes: ReadonlyArray<Outcome> }

/** Returns the number of characters of an op, without those of its upload. */
export const lengthOf = (op: Op): number => {
  switch (op.kind) {
    case "append":
      return op.text.length + op.extra.length
    case "create":
      return op.text.length + op.header.length
    case "note":
    case "keep":
    case "halt":
      return op.text.length
    default:
      return 0
  }
}
