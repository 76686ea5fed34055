/**
 * `Testing.withAgents`: a program in which some agents are replaced, to rehearse a change before the module has it.
 *
 * Boundary: wraps a program; runs nothing.
 */
import { InvalidProgram } from "../program/InvalidProgram.ts"
import type { Agent } from "../program/Agent.ts"
import { compiledOf, eraseAgent, type ErasedAgent } from "../program/erased.ts"
import type { Program } from "../program/Program.ts"
import { withAgents as changed } from "./shuffle.ts"

/**
 * The program with other agents in the place of those that have their names. Nothing else of it is changed. The new agents must
 * have the triggers, the kinds that they write and the services of the old ones: for another structure, make another program.
 *
 * @throws InvalidProgram for a name that the program does not have, and for an agent of another structure
 */
export const withAgents = <P extends Program.Any>(program: P, agents: ReadonlyArray<Agent.Any>): P => {
  const { agents: present, name } = compiledOf(program)
  const refuse = (message: string): never => {
    throw new InvalidProgram({ program: name, message })
  }
  const byName = new Map<string, ErasedAgent>()
  for (const agent of agents) {
    const other = eraseAgent(agent)
    const old = present.find((each) => each.name === other.name)
    if (old === undefined) refuse(`there is no ${other.label} to replace`)
    else if (structureOf(old) !== structureOf(other)) {
      refuse(`${other.label} reads or writes other kinds than the one that it replaces: make another program`)
    }
    byName.set(other.name, other)
  }
  // The type is that of the program: the structure of its agents is the same.
  return changed(program, (agent) => byName.get(agent.name) ?? agent) as P
}

/** The part of an agent that the rest of a program was compiled with. */
const structureOf = ({ each, intents, triggers, type, visible, writes }: ErasedAgent): string => {
  const names = (kinds: ReadonlyArray<{ readonly name: string }>) => kinds.map((kind) => kind.name)
  return JSON.stringify([type, each?.name, names(triggers), names(visible), names(writes), names(intents)])
}
