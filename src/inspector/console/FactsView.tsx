/**
 * The facts: kinds on the left, facts of a kind in the middle, and the chosen fact with its history and derivation on the right.
 *
 * Counts are of facts and not of revisions. Everything is as of the cycle that the page shows; two cycles can be compared.
 */
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { ask, type FactRef, ofJob } from "./api.ts"
import { DiffView } from "./DiffView.tsx"
import { FactPane } from "./FactPane.tsx"
import { facts, isLoading, more, problem, refresh, show } from "./factsStore.ts"
import { brief, number } from "./format.ts"
import { at, graph, isOver, job, jobId } from "./jobStore.ts"
import { Empty, Fault, Said } from "./parts.tsx"
import { poll } from "./poll.ts"
import { change, route } from "./route.ts"
import { VirtualList } from "./virtual.tsx"

/** The number of facts of each kind as of a cycle, by the kind's name. */
const useCounts = () => {
  const counts = useSignal<Readonly<Record<string, number>>>({})
  const id = jobId.value
  const cycle = at.value
  useEffect(() => {
    if (id === undefined) return undefined
    const fetchCounts = async (abort: AbortSignal): Promise<void> => {
      const query = cycle === undefined ? "" : `?at=${cycle}`
      const answer = await ask<{ readonly kinds: Readonly<Record<string, number>> }>(ofJob(id, `/kinds${query}`), { signal: abort })
      if (answer?.ok === true) counts.value = answer.value.kinds
    }
    if (cycle !== undefined || isOver.value) {
      const abort = new AbortController()
      void fetchCounts(abort.signal)
      return () => abort.abort()
    }
    return poll(2_000, fetchCounts)
  }, [id, cycle, isOver.value])
  return counts
}

const Kinds = ({ counts, kind }: { readonly counts: Readonly<Record<string, number>>; readonly kind: string }) => {
  const names = [...new Set([...Object.keys(counts), ...(graph.value?.kinds.map(({ name }) => name) ?? [])])].sort()
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
  return (
    <ul class="kinds" role="listbox" aria-label="Kinds">
      {["", ...names].map((name) => (
        <li key={name} role="option" aria-selected={name === kind}>
          <button type="button" class={name === kind ? "on" : ""} onClick={() => change({ kind: name, fact: "" })}>
            <span>{name === "" ? "all kinds" : <Said text={name} limit={80} />}</span>
            <small class="num">{number(name === "" ? total : (counts[name] ?? 0))}</small>
          </button>
        </li>
      ))}
    </ul>
  )
}

const Search = () => {
  const { query } = route.value
  const text = useSignal(query["q"] ?? "")
  useEffect(() => {
    const wait = setTimeout(() => change({ q: text.value }), 200)
    return () => clearTimeout(wait)
  }, [text.value])
  return (
    <input
      type="search"
      id="search"
      aria-label="Search facts by id or value"
      placeholder="Search ids and values   /"
      value={text.value}
      onInput={({ currentTarget }) => (text.value = currentTarget.value)}
    />
  )
}

/** Which facts two cycles differ in. */
const Compare = () => {
  const last = at.value ?? job.value?.cycle ?? 0
  const { query } = route.value
  const isOn = query["from"] !== undefined && query["from"] !== ""
  return (
    <label class="compare">
      <input
        type="checkbox"
        checked={isOn}
        onChange={({ currentTarget }) => change({ from: currentTarget.checked ? String(Math.max(0, last - 1)) : "" })}
      />{" "}
      compare with cycle{" "}
      <input
        type="number"
        min={0}
        max={last}
        disabled={!isOn}
        aria-label="the earlier cycle"
        value={query["from"] ?? String(Math.max(0, last - 1))}
        onChange={({ currentTarget }) => change({ from: currentTarget.value })}
      />
    </label>
  )
}

export const FactsView = () => {
  const id = jobId.value
  const { query } = route.value
  const kind = query["kind"] ?? ""
  const text = query["q"] ?? ""
  const chosenId = query["fact"]
  const counts = useCounts()
  useEffect(() => {
    if (id !== undefined) show({ jobId: id, kind, q: text, at: at.value })
  }, [id, kind, text, at.value])
  useEffect(() => (isOver.value ? undefined : poll(2_000, refresh)), [isOver.value])
  if (id === undefined) return null
  const list = facts.value
  const index = chosenId === undefined ? -1 : list.findIndex((fact) => fact.kind === kind && fact.id === chosenId)
  const choose = (ref: FactRef): void => change({ kind: ref.kind, fact: ref.id })
  const isComparing = query["from"] !== undefined && query["from"] !== ""
  return (
    <div class="facts">
      <Kinds counts={counts.value} kind={kind} />
      <div class="list">
        <div class="toolbar"><Search /><Compare /></div>
        {problem.value === undefined ? null : <Fault problem={problem.value} />}
        {isComparing ? (
          <DiffView jobId={id} from={Number(query["from"])} to={at.value ?? job.value?.cycle ?? 0} kind={kind} />
        ) : list.length === 0 && !isLoading.value ? (
          <Empty>No fact is here{text === "" ? "" : " that has this text"}.</Empty>
        ) : (
          <VirtualList
            class="factList"
            label="facts"
            count={list.length}
            rowHeight={44}
            keyOf={(at) => `${list[at]!.kind}/${list[at]!.id}`}
            row={(at) => {
              const { id: own, kind: name, provenance, value } = list[at]!
              return (
                <>
                  <span class="who">
                    <b>{kind === "" ? <><Said text={name} limit={40} />/</> : null}<Said text={own} limit={120} /></b>
                    <small><Said text={brief(value, 160)} limit={160} /></small>
                  </span>
                  <small class="num">{provenance.agent || provenance.origin} · {number(provenance.cycle)}</small>
                </>
              )
            }}
            chosen={index}
            onChoose={(at) => {
              const fact = list[at]
              if (fact !== undefined) choose(fact)
            }}
            onOpen={() => undefined}
            onEnd={more}
          />
        )}
      </div>
      {chosenId === undefined ? (
        <aside class="pane"><Empty>Choose a fact to see where it comes from and what follows from it.</Empty></aside>
      ) : (
        <FactPane key={`${kind}/${chosenId}`} jobId={id} fact={{ kind, id: chosenId }} />
      )}
    </div>
  )
}
