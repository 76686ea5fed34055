/** Starts a fork: a new job on the context of a cycle, with a changed fact. The job itself stays as it is. */
import { useSignal } from "@preact/signals"
import { useEffect, useLayoutEffect, useRef } from "preact/hooks"
import { type Answer, ask, type FactRef, type Job, ofJob, type Problem } from "./api.ts"
import { poll } from "./browser.ts"
import { FactLink } from "./links.tsx"
import type { Diff } from "./shapes.ts"
import { at, job } from "./jobStore.ts"
import { Fault, messageOf, Said, StateMark } from "./parts.tsx"
import { hrefOf } from "./route.ts"

/** Tuning: milliseconds between two looks at a fork that runs. */
const refreshMs = 1_000

/** The state of a fork, as it is now. Undefined before the first answer. */
const useFork = (id: string): Job | undefined => {
  const found = useSignal<Job | undefined>(undefined)
  useEffect(
    () =>
      poll(refreshMs, async (abort) => {
        if ((found.peek()?.result ?? null) !== null) return
        const answer = await ask<Job>(ofJob(id, "?valueLength=0&limit=1"), { signal: abort })
        if (answer?.ok === true) found.value = answer.value
      }),
    [id]
  )
  return found.value
}

/** A fork, and what it was made of. */
interface Made {
  readonly id: string
  readonly of: { readonly jobId: string; readonly cycle: number; readonly fact: FactRef }
}

/** The fact that the value made in the fork, where its id is another one than that of the fact in sight. */
const useOtherFact = ({ id, of: { cycle, fact, jobId } }: Made): FactRef | undefined => {
  const other = useSignal<FactRef | undefined>(undefined)
  useEffect(() => {
    const query = `?at=${cycle}&otherAt=0&limit=100&valueLength=0`
    void ask<Diff>(ofJob(jobId, `/diff/${encodeURIComponent(id.toWellFormed())}${query}`)).then((answer) => {
      const changes = answer?.ok === true ? answer.value.changes : []
      const added = changes.find(({ after, before }) => before === null && after?.kind === fact.kind)?.after
      if (added !== null && added?.id !== fact.id) other.value = added
    })
  }, [id])
  return other.value
}

/** Links to the new job, and the state that it has now. It comes into view, and gets the focus from the button. */
const Forked = ({ made }: { readonly made: Made }) => {
  const {
    id,
    of: { fact, jobId }
  } = made
  const line = useRef<HTMLParagraphElement>(null)
  useEffect(() => line.current?.focus({ preventScroll: true }), [id])
  const fork = useFork(id)
  const other = useOtherFact(made)
  // The line grows as more is known.
  useEffect(() => line.current?.scrollIntoView({ block: "nearest" }), [id, other, fork?.state])
  const error = fork?.result?.error ?? null
  return (
    <p role="status" tabIndex={-1} ref={line}>
      {other === undefined ? null : (
        <b class="badText">
          The value has another id: it is a fact of its own, <Said text={`${other.kind}/${other.id}`} limit={200} />,
          and <FactLink fact={fact} /> stays as it was.{" "}
        </b>
      )}
      The fork is{" "}
      <a href={hrefOf({ page: "job", id: id, view: "overview", query: {} })}>
        <Said text={id} limit={80} />
      </a>
      {fork === undefined ? null : (
        <>
          {": "}
          <StateMark state={fork.state} />
        </>
      )}
      {error === null ? null : (
        <>
          {" "}
          <Said text={messageOf(error)} limit={200} />
        </>
      )}
      . <a href={hrefOf({ page: "job", id: jobId, view: "facts", query: { with: id } })}>Compare the facts of both</a>
    </p>
  )
}

/** Sends a fork with a changed fact. Answers with the new job's id, or with what is wrong. */
const send = async (
  jobId: string,
  cycle: number,
  kind: string,
  text: string
): Promise<Answer<{ readonly jobId: string }> | undefined> => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    const detail = error instanceof Error ? error.message : ""
    return { ok: false, problem: { status: 0, title: "The value is not valid JSON", detail } }
  }
  return ask(ofJob(jobId, "/fork"), { method: "POST", body: { at: cycle, facts: [{ kind, value }] } })
}

/** The focus goes with the form: into its field when it opens, and back to the button when it is left. */
const useFocus = (isOpen: boolean) => {
  const field = useRef<HTMLTextAreaElement>(null)
  const opener = useRef<HTMLButtonElement>(null)
  const wasOpen = useRef(false)
  useLayoutEffect(() => {
    if (isOpen) field.current?.focus()
    else if (wasOpen.current) opener.current?.focus()
    wasOpen.current = isOpen
  }, [isOpen])
  return { field, opener }
}

const ValueOf = ({ name }: { readonly name: string }) => (
  <span>
    The value of{" "}
    <b>
      <Said text={name} limit={200} />
    </b>
  </span>
)

/** The text of the value, and what became of the fork. */
const useForm = (jobId: string, cycle: number, fact: FactRef) => {
  const text = useSignal("")
  const problem = useSignal<Problem | undefined>(undefined)
  const forked = useSignal<Made | undefined>(undefined)
  const sent = useSignal("")
  const isBusy = useSignal(false)
  // A value that was forked makes no second job, unless it is changed or the form is opened anew.
  const asked = (): string => JSON.stringify([at.peek(), text.peek()])
  const isDone = (): boolean => forked.peek() !== undefined && sent.peek() === asked()
  const fork = async (): Promise<void> => {
    if (isBusy.peek() || isDone()) return
    isBusy.value = true
    forked.value = undefined
    sent.value = asked()
    const answer = await send(jobId, cycle, fact.kind, text.value)
    isBusy.value = false
    if (answer === undefined) return
    problem.value = answer.ok ? undefined : answer.problem
    if (answer.ok) forked.value = { id: answer.value.jobId, of: { jobId, cycle, fact } }
  }
  const begin = (value: unknown): void => {
    text.value = JSON.stringify(value, undefined, 2) ?? ""
    forked.value = undefined
    problem.value = undefined
  }
  return { begin, fork, forked, isBusy, isDone, problem, text }
}

export const ForkForm = ({
  fact,
  jobId,
  value
}: {
  readonly jobId: string
  readonly fact: FactRef
  readonly value: unknown
}) => {
  const isOpen = useSignal(false)
  const { field, opener } = useFocus(isOpen.value)
  const last = job.value?.cycle ?? 0
  // The value that the viewer changes is of the cycle at which the form was opened, however the job goes on.
  const openedAt = useSignal(last)
  const cycle = at.value ?? (isOpen.value ? openedAt.value : last)
  const { begin, fork, forked, isBusy, isDone, problem, text } = useForm(jobId, cycle, fact)
  if (!isOpen.value) {
    const open = (): void => {
      begin(value)
      openedAt.value = last
      isOpen.value = true
    }
    return (
      <button type="button" ref={opener} onClick={open}>
        Fork from cycle {cycle} with another value…
      </button>
    )
  }
  return (
    <form
      class="fork"
      onSubmit={(event) => {
        event.preventDefault()
        void fork()
      }}
    >
      <h3>A new job from cycle {cycle}</h3>
      <label>
        <ValueOf name={`${fact.kind}/${fact.id}`} />
        <textarea
          ref={field}
          rows={8}
          spellcheck={false}
          value={text.value}
          onInput={({ currentTarget }) => (text.value = currentTarget.value)}
        />
      </label>
      <small>Keep the parts that make up the id of the fact: a value with another id is another fact.</small>
      <div class="menu">
        <button type="button" onClick={() => (isOpen.value = false)}>
          Close
        </button>
        <button type="submit" class="primary" aria-disabled={isBusy.value || isDone()}>
          Fork
        </button>
      </div>
      {problem.value === undefined ? null : <Fault problem={problem.value} />}
      {forked.value === undefined ? null : <Forked key={forked.value.id} made={forked.value} />}
    </form>
  )
}
