/** The questions of a job, or of all jobs: no page and no count of one stands over those of the other. */
import { expect, it, vi } from "vitest"
import { stubWindow } from "../support/browser/window.ts"
import { until } from "../support/until.ts"

interface Questions {
  readonly fetchApprovals: (jobId: string | undefined, abort: AbortSignal) => Promise<void>
  readonly approvals: { readonly value: ReadonlyArray<{ readonly id: string }> }
  readonly next: { readonly value: string | null }
  readonly previous: { readonly value: string | null }
  readonly counted: { readonly value: { readonly count: number } | undefined }
}

const question = (jobId: string, id: string) => ({ jobId, program: "p", id, question: null, data: null, since: 1 })

it("the page of a job has nothing of the questions of all jobs while its own are asked for", async () => {
  stubWindow("#/jobs", (path) => {
    // The server does not answer about the job yet.
    if (path.startsWith("jobs/a/approvals")) return new Promise(() => undefined)
    const list = [question("a", "1"), question("b", "2")]
    return path.startsWith("approvals") ? { approvals: list, unread: [], cursor: "more", previous: null } : {}
  })
  const store = await vi.importActual<Questions>("../../src/inspector/console/approvals.ts")
  const { approvals, counted, fetchApprovals, next } = store
  await fetchApprovals(undefined, new AbortController().signal)
  await until(() => counted.value !== undefined)
  expect([approvals.value.map(({ id }) => id), next.value]).toEqual([["1", "2"], "more"])
  void fetchApprovals("a", new AbortController().signal)
  expect([approvals.value.map(({ id }) => id), next.value, counted.value]).toEqual([["1"], null, undefined])
})
