import { failureOf, type Failure } from '../../contracts/failure';
import type { FailureCode } from '../../contracts/failure-codes';
import type { Kind, MigrationRequest } from '../../contracts/migration';
import type { CheckOutcome, Concern, Severity } from '../../contracts/preflight';
import { namedFacts, type FactName, type FactValues, type Seen } from './named-facts';
import type { Situation } from './situation';

/** What a check has to say: with the values in it that a person needs, and what to do where that is not what the check always says. */
export type Finding = {
  readonly message: string;
  readonly remedy?: string;
  readonly code?: FailureCode;
  /** This one may pass by itself, or not, whatever the check says of what it finds. */
  readonly mayPass?: boolean;
};

export type Scenario = { readonly when: string; readonly holds: (request: MigrationRequest) => boolean };

type Definition<Name extends FactName> = {
  readonly id: string;
  readonly severity: Severity;
  /** The failure code that a run ends with when this check refuses it. */
  readonly code: FailureCode;
  /** What it finds may pass by itself: a run looks again for a while. */
  readonly mayPass?: true;
  readonly kinds: readonly Kind[];
  /** Where it applies to the requests of these kinds only under a condition. */
  readonly scenario?: Scenario;
  readonly looksAt: readonly Name[];
  /** What it finds, as a sentence for the documentation. */
  readonly finds: string;
  readonly remedy: string;
  /** Where the rule is from: title of the document, and of its section. */
  readonly source: string;
  readonly look: (see: Pick<FactValues, Name>, request: MigrationRequest) => Finding | undefined;
};

/** One check, its types erased: pure, over facts alone. */
export type Check = Omit<Definition<FactName>, 'look'> & {
  readonly judge: (situation: Situation) => Judgement;
};

export type Judgement = {
  readonly outcome: CheckOutcome;
  readonly concern?: Concern;
  /** Of a critical finding. */
  readonly failure?: Failure;
};

/** Makes a check of its definition. It sees the facts that it names and no others. */
export function check<Name extends FactName>(definition: Definition<Name>): Check {
  const { look: _look, ...described } = definition;
  return { ...described, judge: (situation) => judge(definition, situation) };
}

function judge<Name extends FactName>(definition: Definition<Name>, situation: Situation): Judgement {
  const { request } = situation;
  const applies = definition.kinds.includes(request.kind) && (definition.scenario?.holds(request) ?? true);
  if (!applies) return { outcome: 'not-of-this-kind' };
  const seen = definition.looksAt.map((name) => [name, namedFacts[name](situation)] as const);
  const missing = seen.filter(([, fact]) => !fact.known);
  if (missing.some(([, fact]) => 'toldBy' in fact)) return { outcome: 'skipped' };
  if (missing.length > 0) return notKnown(definition, missing);
  const values = Object.fromEntries(seen.map(([name, fact]) => [name, fact.known ? fact.value : undefined]));
  // Just the facts that the definition names, each with the type of its name.
  const finding = definition.look(values as Pick<FactValues, Name>, request);
  return finding === undefined ? { outcome: 'passed' } : found(definition, values, finding);
}

/** A check that cannot look says so, one severity below what it would have found: it refuses no run (decision 0021). */
function notKnown<Name extends FactName>(
  { id, severity, finds }: Definition<Name>,
  missing: readonly (readonly [Name, Seen<unknown>])[],
): Judgement {
  const fields = missing.map(([name, fact]) => ({
    name,
    value: shown(fact.known ? fact.value : `not known: ${fact.why}`),
  }));
  const names = fields.map(({ name }) => name).join(', ');
  const grave =
    severity === 'critical'
      ? ' That would refuse the run; not known, it does not, and the run may fail of it later.'
      : '';
  const message = `Not known: ${names}. It was to be found out whether this is so: ${finds}${grave}`;
  const remedy = `Look yourself; or let the host tell ${names}.`;
  const concern: Concern = {
    checkId: id,
    severity: severity === 'critical' ? 'warning' : 'information',
    outcome: 'not-known',
    fields,
    message: message.slice(0, textMax),
    remedy,
  };
  return { outcome: 'not-known', concern };
}

function found<Name extends FactName>(
  definition: Definition<Name>,
  values: Readonly<Record<string, unknown>>,
  finding: Finding,
): Judgement {
  const { id, severity, mayPass } = definition;
  const remedy = finding.remedy ?? definition.remedy;
  const message = finding.message.slice(0, textMax);
  const fields = Object.entries(values).map(([name, value]) => ({ name, value: shown(value) }));
  const concern: Concern = { checkId: id, severity, outcome: 'found', fields, message, remedy };
  if (severity !== 'critical') return { outcome: 'found', concern };
  const retry = (finding.mayPass ?? mayPass) === true ? 'transient' : 'permanent';
  const failure = failureOf(finding.code ?? definition.code, { message, remedy, retry, effect: 'none' });
  return { outcome: 'found', concern, failure };
}

const textMax = 500;
const shownCharactersMax = 120;

const shown = (value: unknown): string => {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length <= shownCharactersMax ? text : `${text.slice(0, shownCharactersMax - 1)}…`;
};
