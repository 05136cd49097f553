import { classify } from '../../hyperv/powershell/worker/classify';
import { critical, fine, skipped, warning, type Check, type Verdict } from '../check';

const notUsed = 'the driver is simulated';
const noPowerShell = 'PowerShell does not run (powershell)';
const noWorker = 'the worker does not start (hyper-v-module)';

export const hyperVModule: Check = {
  id: 'hyper-v-module',
  looksAt: 'the worker starts, with the Hyper-V module',
  async look(see): Promise<Verdict> {
    const look = await see.hyperV();
    switch (look.type) {
      case 'not-used':
        return skipped(notUsed);
      case 'none':
        return skipped(noPowerShell);
      case 'no-worker':
        return critical(
          look.failure.message,
          'Install Hyper-V with its PowerShell module: Install-WindowsFeature Hyper-V -IncludeManagementTools.',
        );
      case 'answers': {
        const { module } = look.doctor;
        if (!module.known)
          return warning(
            `the version of the Hyper-V module is not told: ${module.error.message}`,
            'Run Get-Module -ListAvailable Hyper-V, and look why.',
          );
        return module.value.startsWith('1.')
          ? critical(
              `the Hyper-V module is version ${module.value}, of Windows Server 2012`,
              'Use a host with Windows Server 2016 or later, whose module has version 2.',
            )
          : fine(`the Hyper-V module is version ${module.value}`);
      }
    }
  },
};

export const hyperVAnswers: Check = {
  id: 'hyper-v-answers',
  looksAt: 'Hyper-V itself answers',
  async look(see): Promise<Verdict> {
    const look = await see.hyperV();
    if (look.type === 'not-used') return skipped(notUsed);
    if (look.type !== 'answers') return skipped(noWorker);
    const { facts } = look;
    if (facts.ok)
      return fine(`${facts.value.name} has the virtual switches ${facts.value.switches.join(', ') || '(none)'}`);
    const { code, message } = facts.failure;
    return code === 'AccessDenied'
      ? critical(`Hyper-V refuses this account: ${message}`, 'See hyper-v-rights.')
      : critical(
          `Hyper-V does not answer: ${message}`,
          'Start the service vmms (Start-Service vmms), and look at the event log Hyper-V-VMMS.',
        );
  },
};

/** Well-known security identifiers. */
const administrators = 'S-1-5-32-544';
const hyperVAdministrators = 'S-1-5-32-578';
/** The integrity of an elevated session, and that of a service. */
const elevated = ['S-1-16-12288', 'S-1-16-16384'];

export const hyperVRights: Check = {
  id: 'hyper-v-rights',
  looksAt: 'the account of this session may manage Hyper-V and the files of VMs',
  async look(see): Promise<Verdict> {
    const look = await see.hyperV();
    if (look.type === 'not-used') return skipped(notUsed);
    if (look.type !== 'answers') return skipped(noWorker);
    const { account, groups } = look.doctor;
    const who = account.known ? account.value : 'this account';
    if (!groups.known)
      return warning(
        `the groups of ${who} are not told: ${classify(groups.error, false).message}`,
        'Look with whoami /groups that it is in Administrators or Hyper-V Administrators.',
      );
    return judgeGroups(who, groups.value);
  },
};

/** What an account may do by the groups of its session, by their security identifiers. */
export function judgeGroups(who: string, groups: readonly string[]): Verdict {
  const isIn = (sid: string): boolean => groups.includes(sid);
  const isElevated = elevated.some(isIn);
  if (isIn(administrators) && isElevated) return fine(`${who} is in Administrators, elevated`);
  if (isIn(hyperVAdministrators))
    return warning(
      `${who} is in Hyper-V Administrators and no elevated administrator: Hyper-V obeys it, files do not by that alone`,
      'Give it full control of the folders in driver.roots and of the disks of the VMs to be moved (a fence changes rights on them), or run as LocalSystem.',
    );
  if (isIn(administrators))
    return critical(
      `${who} is in Administrators, and this session is not elevated`,
      'Run the agent as a service or in an elevated session ("Run as administrator").',
    );
  return critical(
    `${who} is neither in Administrators nor in Hyper-V Administrators`,
    'Run the agent as LocalSystem, or add its account: Add-LocalGroupMember -SID S-1-5-32-544 (or S-1-5-32-578) -Member ACCOUNT.',
  );
}
