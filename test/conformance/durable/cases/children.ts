import type { Case } from '../case';
import { anything, listOf, matching, some, textWith } from '../match';
import {
  completed,
  failed,
  hangs,
  manage,
  operate,
  raise,
  running,
  shows,
  staysRunning,
  start,
  terminated,
} from '../steps';

const area = 'sub-orchestrations';
const child = '{id}-child';

export const childCases: readonly Case[] = [
  {
    area,
    name: 'a child gets its input and gives its output',
    uses: ['Parent', 'Echoing', 'Echo'],
    steps: [start('Parent', { child: 'Echoing', input: { a: [1] } }), completed({ a: [1] })],
  },
  {
    area,
    name: 'a child knows its parent, and its own id is the one that was chosen',
    uses: ['Parent', 'Identity'],
    steps: [
      start('Parent', { child: 'Identity', id: child }),
      completed({ instanceId: child, parentInstanceId: '{id}', functionName: 'Identity' }),
    ],
  },
  {
    area,
    name: 'an orchestration without a parent knows of none',
    uses: ['Identity'],
    steps: [start('Identity'), completed({ instanceId: '{id}', parentInstanceId: null, functionName: 'Identity' })],
  },
  {
    area,
    name: 'a child without an id is called after its parent execution and the number of the call',
    uses: ['ChildIds', 'Identity'],
    steps: [
      start('ChildIds'),
      completed({
        areDifferent: true,
        first: some({ instanceId: matching(/^[0-9a-f-]{32,36}:0$/) }),
        second: some({ instanceId: matching(/^[0-9a-f-]{32,36}:1$/) }),
      }),
    ],
  },
  {
    area,
    name: 'a child is an instance with a status of its own',
    uses: ['Parent', 'Echoing', 'Echo'],
    steps: [
      start('Parent', { child: 'Echoing', input: 'x', id: child }),
      completed('x'),
      completed('x', { name: 'Echoing', input: 'x' }, { id: child }),
    ],
  },
  {
    area,
    name: 'orchestrations nest four deep',
    uses: ['Generations'],
    steps: [start('Generations', 3), completed(['{id}', '{id}-3', '{id}-3-2', '{id}-3-2-1'])],
  },
  {
    area,
    name: 'ten children run side by side and give their results in order',
    uses: ['Children', 'Echoing', 'Echo'],
    steps: [start('Children', 10), completed([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])],
  },
  {
    area,
    name: 'the failure of a child is caught with its message',
    uses: ['CatchingParent', 'ThrowingChild', 'Echo'],
    steps: [
      start('CatchingParent', { child: 'ThrowingChild' }),
      completed({
        isError: true,
        message: textWith("Orchestrator function 'ThrowingChild' failed: child of {id} failed"),
      }),
    ],
  },
  {
    area,
    name: 'the failure of a child that nobody catches fails the parent',
    uses: ['Parent', 'ThrowingChild', 'Echo'],
    steps: [
      start('Parent', { child: 'ThrowingChild' }),
      failed(textWith("Orchestrator function 'Parent' failed: Orchestrator function 'ThrowingChild' failed")),
    ],
  },
  {
    area,
    name: 'a child that fails is retried until it succeeds',
    uses: ['RetryingParent', 'FailingChild', 'FailTimes'],
    steps: [
      start('RetryingParent', { child: 'FailingChild', input: { key: '{id}', times: 2 } }),
      completed('succeeded after 2'),
    ],
  },
  {
    area,
    name: 'a child of a chosen id is retried under that id',
    uses: ['RetryingParent', 'FailingChild', 'FailTimes'],
    steps: [
      start('RetryingParent', { child: 'FailingChild', input: { key: '{id}', times: 1 }, id: child }),
      completed('succeeded after 1'),
      completed('succeeded after 1', {}, { id: child }),
    ],
  },
  {
    area,
    name: 'the last error of a retried child surfaces',
    uses: ['RetryingParent', 'ThrowingChild', 'Echo'],
    steps: [
      start('RetryingParent', { child: 'ThrowingChild' }),
      completed({ isError: true, message: textWith('child of {id} failed') }),
    ],
  },
  {
    area,
    name: 'an unknown child fails its call',
    uses: ['CatchingParent'],
    steps: [start('CatchingParent', { child: 'Unheard' }), ...hangs],
    here: {
      reason: 'the real parent waits for ever',
      steps: [
        start('CatchingParent', { child: 'Unheard' }),
        completed({ isError: true, message: textWith("The function 'Unheard' doesn't exist") }),
      ],
    },
  },
  {
    area,
    name: 'a child can be reached by events of its own',
    uses: ['WaitingParent', 'WaitFor'],
    steps: [
      start('WaitingParent'),
      shows({ customStatus: 'waiting' }, { id: child }),
      raise('go', { to: 'the child' }, child),
      completed({ to: 'the child' }),
    ],
  },
  {
    area,
    name: 'an event for the parent does not reach the child',
    uses: ['WaitingParent', 'WaitFor'],
    steps: [
      start('WaitingParent'),
      shows({ customStatus: 'waiting' }, { id: child }),
      raise('go', 1),
      ...staysRunning(100),
      running({ id: child }),
      raise('go', 2, child),
      completed(2),
    ],
  },
  {
    area,
    name: 'a terminated child fails the call of its parent',
    uses: ['WaitingParent', 'WaitFor'],
    steps: [
      start('WaitingParent'),
      shows({ customStatus: 'waiting' }, { id: child }),
      operate('terminate?reason=enough', 202, child),
      terminated('enough', { id: child }),
      failed(textWith("Orchestrator function 'WaitingParent' failed")),
    ],
  },
  {
    area,
    name: 'a terminated parent leaves its child running',
    uses: ['WaitingParent', 'WaitFor'],
    steps: [
      start('WaitingParent'),
      shows({ customStatus: 'waiting' }, { id: child }),
      operate('terminate?reason=enough'),
      terminated('enough'),
      running({ id: child }),
      raise('go', 1, child),
      completed(1, {}, { id: child }),
    ],
  },
  {
    area,
    name: 'the id of a child that has ended can be used again',
    uses: ['TwoOfOneId', 'Echoing', 'Echo'],
    steps: [start('TwoOfOneId'), completed(['first', 'second'])],
  },
  {
    area,
    name: 'a child whose id a living instance has fails its call',
    uses: ['CatchingParent', 'WaitFor', 'Echoing'],
    steps: [
      start('WaitFor', 'go', child),
      shows({ customStatus: 'waiting' }, { id: child }),
      start('CatchingParent', { child: 'Echoing', input: 1, id: child }),
      ...hangs,
    ],
    here: {
      reason: 'the real one drops the message and the parent waits for ever',
      steps: [
        start('WaitFor', 'go', child),
        shows({ customStatus: 'waiting' }, { id: child }),
        start('CatchingParent', { child: 'Echoing', input: 1, id: child }),
        completed({ isError: true, message: textWith(`An orchestration with id '${child}' already exists`) }),
        running({ id: child }),
      ],
    },
  },
  {
    area,
    name: "the parent's history names the child",
    uses: ['Parent', 'Nothing'],
    steps: [
      start('Parent', { child: 'Nothing', id: child }),
      completed(null),
      manage('GET /instances/{id}?showHistory=true', {
        status: 200,
        body: some({
          historyEvents: [
            some({ EventType: 'ExecutionStarted', FunctionName: 'Parent' }),
            some({ EventType: 'SubOrchestrationInstanceCompleted', FunctionName: 'Nothing', InstanceId: child }),
            some({ EventType: 'ExecutionCompleted', OrchestrationStatus: 'Completed' }),
          ],
        }),
      }),
      manage('GET /instances/{id}-child?showHistory=true', {
        status: 200,
        body: some({ historyEvents: listOf(2, anything) }),
      }),
    ],
  },
];
