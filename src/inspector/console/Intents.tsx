/** The intents of a job: the answer to each, or what it waits for, with the keys under which they are performed once. */
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { ask, ofJob, queryOf } from "./api.ts"
import { JobLink } from "./Family.tsx"
import { brief, number, plural } from "./format.ts"
import { at, job, jobId } from "./jobStore.ts"
import { CycleLink, FactLink } from "./links.tsx"
import { Panel, Said } from "./parts.tsx"
import type { IntentPage, IntentStory } from "./shapes.ts"

/** Tuning: intents that come at first, and at most. */
const shown = 200
const most = 1_000
/** Characters of a value that come with it. */
const valueLength = 400

type Given = NonNullable<IntentStory["answer"]>

const textOf = (value: unknown, name: string): string => {
  if (typeof value !== "object" || value === null) return ""
  const part: unknown = (value as Readonly<Record<string, unknown>>)[name]
  return typeof part === "string" ? part : ""
}

/** The decision about an approval: who decided what, and why. */
const Decided = ({ fact: { value }, origin }: { readonly fact: Given["facts"][number]; readonly origin: string }) => {
  const isApproved = typeof value === "object" && value !== null && "approved" in value && value.approved === true
  const reason = textOf(value, "reason")
  return (
    <>
      <b class={isApproved ? "goodText" : "badText"}>{isApproved ? "approved" : "rejected"}</b> by{" "}
      <b>
        <Said text={textOf(value, "by")} limit={120} />
      </b>
      {origin === "seed" || origin === "agent" ? ` (${origin})` : ""}
      {reason === "" ? null : (
        <>
          : <Said text={reason} limit={400} />
        </>
      )}
    </>
  )
}

/** The message of an error, or of the error in it. */
const messageIn = (error: NonNullable<Given["error"]>): string => {
  const { error: inner, message } = error
  if (typeof message === "string") return message
  return textOf(inner, "message") || (inner === undefined ? error._tag : brief(inner, 300))
}

const Facts = ({ answer: { count, facts }, kind }: { readonly answer: Given; readonly kind: string }) => {
  if (count === 0) return <>its handler gave no fact</>
  return (
    <>
      {facts.map((fact) => (
        <div key={`${fact.kind}/${fact.id}`}>
          <FactLink fact={fact} />{" "}
          {kind === "ChildJob" ? (
            <Said text={textOf(fact.value, "status")} limit={40} />
          ) : (
            <code>
              <Said text={brief(fact.value, 160)} limit={161} />
            </code>
          )}
        </div>
      ))}
      {count > facts.length ? <small>and {plural(count - facts.length, "more fact")}</small> : null}
    </>
  )
}

const AnswerOf = ({ story: { answer, kind } }: { readonly story: IntentStory }) => {
  if (answer === null) return null
  const { cycle, error, facts, origin } = answer
  const [first] = facts
  if (error !== null) {
    return (
      <>
        <span class="badText">{error._tag === "IntentFailed" ? "failed" : "its answer was discarded"}</span>:{" "}
        <Said text={messageIn(error)} limit={400} /> <CycleLink cycle={cycle} />
      </>
    )
  }
  return (
    <>
      {kind === "Approval" && first !== undefined ? (
        <Decided fact={first} origin={origin} />
      ) : (
        <Facts answer={answer} kind={kind} />
      )}{" "}
      <CycleLink cycle={cycle} />
    </>
  )
}

const reasons = {
  decision: "a decision",
  child: "its child job",
  handler: "its handler",
  "missing-handler": "a handler, which this engine does not have"
} as const

const Fate = ({ story }: { readonly story: IntentStory }) => {
  const { child, cycle, state, waitsFor } = story
  switch (state) {
    case "waits":
      return (
        <>
          <span class="warnText">waits</span> for {reasons[waitsFor ?? "handler"]} since cycle {number(cycle)}
        </>
      )
    case "unperformed":
      return <span class="soft">It needs none: no handler performs it.</span>
    case "left":
      return <span class="soft">None: the job ended before it came{child === null ? "" : " from its child"}.</span>
    default:
      return <AnswerOf story={story} />
  }
}

/** The intents as of the cycle that the page shows. They are asked for again when the job has moved. */
const useIntents = (limit: number): IntentPage | undefined => {
  const found = useSignal<{ readonly of: string; readonly page: IntentPage } | undefined>(undefined)
  const id = jobId.value
  const cycle = at.value
  const { cycle: last, state } = job.value ?? {}
  const of = JSON.stringify([id, cycle])
  useEffect(() => {
    if (id === undefined || last === undefined) return undefined
    const abort = new AbortController()
    const path = ofJob(id, `/intents${queryOf({ at: cycle, limit, valueLength })}`)
    void ask<IntentPage>(path, { signal: abort.signal }).then((answer) => {
      if (answer?.ok === true) found.value = { of, page: answer.value }
    })
    return () => abort.abort()
  }, [of, last, state, limit])
  return found.value?.of === of ? found.value.page : undefined
}

const Row = ({ story }: { readonly story: IntentStory }) => {
  const { agent, child, cycle, each, idempotencyKey, kind, payload } = story
  return (
    <tr>
      <td>
        <Said text={kind} limit={80} />
      </td>
      <td>
        <Said text={agent} limit={80} />
      </td>
      <td>{each === undefined ? "" : <FactLink fact={each} />}</td>
      <td class="num">{number(cycle)}</td>
      <td>{payload === null ? "" : <Said text={brief(payload, 120)} limit={121} />}</td>
      <td class="fate">
        <Fate story={story} />
        {child === null ? null : (
          <div>
            child <JobLink id={child} />
          </div>
        )}
      </td>
      <td>
        <code class="cut">
          <Said text={idempotencyKey} limit={120} />
        </code>
      </td>
    </tr>
  )
}

export const Intents = () => {
  const limit = useSignal(shown)
  const page = useIntents(limit.value)
  if (page === undefined || page.count === 0) return null
  const { count, intents, waiting } = page
  return (
    <Panel title="Intents" note={`${number(count)}${waiting > 0 ? `, ${number(waiting)} without an answer` : ""}`}>
      <div class="wide" tabIndex={0} role="region" aria-label="Intents">
        <table class="intents">
          <thead>
            <tr>
              <th>kind</th>
              <th>agent</th>
              <th>about</th>
              <th class="num">cycle</th>
              <th>payload</th>
              <th>answer</th>
              <th>key</th>
            </tr>
          </thead>
          <tbody>
            {intents.map((story) => (
              <Row key={story.idempotencyKey} story={story} />
            ))}
          </tbody>
        </table>
      </div>
      {count > intents.length ? (
        <p class="soft">
          The first {number(intents.length)} are here.{" "}
          {limit.value < most ? (
            <button type="button" class="quiet" onClick={() => (limit.value = most)}>
              more
            </button>
          ) : null}
        </p>
      ) : null}
    </Panel>
  )
}
