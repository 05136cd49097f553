import type { OrchestrationContext, Task, TimerTask } from 'durable-functions';
import { runCommand, runCommandEvent, type RunCommand } from '../../contracts/migration';
import type { Durable } from './step';

/**
 * The commands that people send to a run, all under one event name.
 *
 * `durable-functions` 3.5 cannot wait for one event in two `Task.any` after another: a task that is yielded again is tracked twice, and
 * the second event then completes a finished task, which throws. So each race makes a wait of its own, and every wait ever made in this
 * generation is kept: an event that reaches an older one (waits are served last-in first-out, by the SDK and by the extension alike) is
 * found there. docs/decisions/0006 has the details.
 */
export class CommandInbox {
  private readonly waits: Task[] = [];
  private readonly taken = new Set<Task>();

  constructor(private readonly context: OrchestrationContext) {}

  /** The oldest command that has arrived and was not taken; anything that is not a command is passed over. */
  take(): RunCommand | undefined {
    for (const wait of this.waits) {
      if (!wait.isCompleted || this.taken.has(wait)) continue;
      this.taken.add(wait);
      const command = runCommand.safeParse(wait.result);
      if (command.success) return command.data;
    }
    return undefined;
  }

  /** Waits for a command, at most `waitMs` milliseconds; undefined when none came. */
  *waitFor(waitMs: number): Durable<RunCommand | undefined> {
    const arrived = this.take();
    if (arrived !== undefined) return arrived;
    const timer = this.context.df.createTimer(new Date(this.context.df.currentUtcDateTime.getTime() + waitMs));
    yield this.context.df.Task.any([timer, this.newWait()]);
    cancelUnlessFired(timer);
    return this.take();
  }

  /** Waits for a command for as long as it takes. */
  *wait(): Durable<RunCommand> {
    for (;;) {
      const arrived = this.take();
      if (arrived !== undefined) return arrived;
      yield this.newWait();
    }
  }

  /** Waits for a task or a command. The task must not be yielded again: the extension would start it a second time (decision 0008). */
  *waitBeside(task: Task): Durable<void> {
    yield this.context.df.Task.any([task, this.newWait()]);
  }

  private newWait(): Task {
    const wait = this.context.df.waitForExternalEvent(runCommandEvent);
    this.waits.push(wait);
    return wait;
  }
}

/** An instance does not end while a timer is open; cancelling one that fired throws. */
export function cancelUnlessFired(timer: TimerTask): void {
  if (!timer.isCompleted && !timer.isFaulted) timer.cancel();
}
