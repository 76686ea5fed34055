/** Finds the transition that a viewer sees move. Boundary: pure; states in, a transition out. */

export interface Edge {
  readonly from: string
  readonly to: string
}

/**
 * The transition that led to a state. Between two looks the job may have gone through several states, so one that leads there
 * from the state of the last look comes first, then one from a state beside it. Before the first look, `before` is "": then the
 * transition is known only where a single one leads to the state.
 */
export const transitionTo = (edges: ReadonlyArray<Edge>, before: string, active: string): Edge | undefined => {
  const into = edges.filter(({ to }) => active === to || active.startsWith(`${to}.`))
  if (before === "") {
    const [only, ...others] = into.filter(({ to }) => to === active)
    return others.length === 0 ? only : undefined
  }
  const [parent = ""] = before.split(".")
  return (
    into.find(({ from }) => from === before) ??
    into.find(({ from }) => from.split(".")[0] === parent) ??
    into.find(({ to }) => to === active)
  )
}
