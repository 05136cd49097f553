import { HyperVRefusal } from './refusal';

/** JobState as CIM has it. */
const running = 4;
const completed = 7;
const exception = 10;

type Job = { readonly state: number; readonly errorCode: number; readonly errorDescription: string };

/** Jobs of WMI methods: they go on when the worker that asked for them is gone, and can be looked at until the service ends. */
export class CimJobs {
  private readonly jobs = new Map<string, Job>();
  private readonly works = new Set<Promise<unknown>>();

  /** Answers the id of the job, which has begun. */
  start(work: () => Promise<unknown>): string {
    const id = `job-${this.jobs.size + 1}`;
    const end = (state: number, errorDescription: string): void => {
      this.jobs.set(id, { state, errorCode: state === completed ? 0 : 32768, errorDescription });
    };
    this.jobs.set(id, { state: running, errorCode: 0, errorDescription: '' });
    const done = work().then(
      () => {
        end(completed, '');
      },
      (thrown: unknown) => {
        end(exception, thrown instanceof Error ? thrown.message : 'it failed');
      },
    );
    this.works.add(done);
    void done.finally(() => this.works.delete(done));
    return id;
  }

  look(id: string): Job {
    const job = this.jobs.get(id);
    if (job === undefined) throw new HyperVRefusal('ObjectNotFound', `There is no job ${id}.`);
    return job;
  }

  /** Ends when no job is under way. */
  async idle(): Promise<void> {
    await Promise.all(this.works);
  }
}
