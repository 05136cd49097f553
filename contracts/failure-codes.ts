type CodeFacts = {
  readonly retry: 'transient' | 'permanent';
  readonly effect: 'none' | 'applied' | 'unknown';
  readonly remedy: string;
};

const code = (retry: CodeFacts['retry'], effect: CodeFacts['effect'], remedy: string): CodeFacts => ({
  retry,
  effect,
  remedy,
});

/**
 * Every failure code with its defaults. Stable: programs and the runbook refer to them.
 * docs/runbook.md has an entry for each; a test holds that.
 */
export const failureCodes = {
  // Rejected: the request itself cannot be carried out.
  RequestInvalid: code('permanent', 'none', 'Correct the named field and send the request again.'),
  BodyNotJson: code('permanent', 'none', 'Send a JSON document with Content-Type: application/json.'),
  BodyTooLarge: code('permanent', 'none', 'Send a smaller document; split a large batch into several.'),
  IdConflict: code('permanent', 'none', 'Choose another id: this one belongs to a request with other content.'),
  TooLate: code('permanent', 'none', 'Nothing can be changed any more; look at the status of the run.'),
  NotFound: code('permanent', 'none', 'Check the id; list what exists.'),
  Unauthorized: code('permanent', 'none', 'Check the signing key and the clock of the caller and of the host.'),
  // Refused by the world, before anything was touched.
  HostUnknown: code('permanent', 'none', 'Use a host of the configuration: hyperferry hosts lists them.'),
  KindUnknown: code('permanent', 'none', 'Use a kind that this version offers.'),
  VmNotFound: code('permanent', 'none', 'Check the VM and its host: hyperferry vms lists them.'),
  VmBusy: code('transient', 'none', 'Wait for the other run of this VM to end, or cancel it.'),
  VmStateWrong: code('permanent', 'none', 'Bring the VM into the state that is named, then start the migration again.'),
  VmFenced: code('permanent', 'none', 'A run holds the VM: finish or cancel that run first.'),
  DestinationSameAsSource: code('permanent', 'none', 'Name another destination host or another folder.'),
  DestinationOccupied: code(
    'permanent',
    'none',
    'Remove or rename what stands at the destination, or choose another folder.',
  ),
  NotEnoughRoom: code('permanent', 'none', 'Free room on the named volume or choose another folder.'),
  NotEnoughMemory: code('permanent', 'none', 'Free memory on the destination host or choose another host.'),
  SwitchMissing: code(
    'permanent',
    'none',
    'Create the virtual switch on the destination or map it to one that exists.',
  ),
  SwitchUnfit: code(
    'permanent',
    'none',
    'Name another switch to be made; or name the one that is there, just as it is written, and have none made.',
  ),
  PreflightFailed: code('permanent', 'none', 'Mend what the finding names: hyperferry preflight lists every finding.'),
  PathOutsideRoots: code('permanent', 'none', 'Choose a folder below one of the allowed roots of that host.'),
  // Refused by a host that cannot take the VM.
  ProcessorIncompatible: code(
    'permanent',
    'none',
    'Choose a host with such processors, or switch processor compatibility on while the VM is off.',
  ),
  ConfigurationVersionUnsupported: code(
    'permanent',
    'none',
    'Choose a host that supports the configuration version of the VM.',
  ),
  MigrationDisabled: code('permanent', 'none', 'Enable live migration on the named host.'),
  MigrationLimitReached: code('transient', 'none', 'Nothing to do: the run waits for a free slot of the host.'),
  NotClustered: code('permanent', 'none', 'Choose a node of the cluster whose role the VM is, or another kind.'),
  RoleHoldsMore: code(
    'permanent',
    'none',
    'Move what the message names to a role of its own, or take the role away by hand first.',
  ),
  RoleNotKept: code('permanent', 'applied', 'Set what the message names by hand in the cluster, then answer retry.'),
  StorageNotShared: code('permanent', 'none', 'Choose a kind that moves the files, or put them on shared storage.'),
  VlanMissing: code('permanent', 'none', 'Allow the VLAN of the VM on the switch of the destination host.'),
  LunMissing: code('permanent', 'none', 'Put all files of the VM, and of no other VM, on one LUN that both hosts see.'),
  LunBusy: code('transient', 'none', 'Take the LUN from the host that has it, or wait until its run does.'),
  MoveFailed: code('transient', 'none', 'Look at the code of the hypervisor; the VM is as it was.'),
  DiskNotVhdx: code('permanent', 'none', 'Attach a VHD or VHDX, or convert this disk (Convert-VHD).'),
  DiskTruncated: code(
    'permanent',
    'none',
    'Restore the disk file from a good copy; it is shorter than its own tables say.',
  ),
  DiskDamaged: code('permanent', 'none', 'Restore the disk file from a good copy.'),
  DiskChainBroken: code(
    'permanent',
    'none',
    'Repair the link from the differencing disk to its parent, or restore the chain.',
  ),
  // Refused by Hyper-V itself, or by the agent's way to it.
  AccessDenied: code(
    'permanent',
    'none',
    'Give the account of the agent the right: member of Hyper-V Administrators, and full control of the folders of VMs.',
  ),
  DelegationMissing: code(
    'permanent',
    'none',
    "Let the source host's computer account delegate cifs and Microsoft Virtual System Migration Service of the destination (Kerberos), on both hosts.",
  ),
  HyperVRefused: code('permanent', 'unknown', 'Look at the code of Hyper-V and at the VM on the named host.'),
  DriverLacksOperation: code('permanent', 'none', 'Choose a kind of migration that the driver of this host offers.'),
  // Contended or passing.
  HyperVSilent: code(
    'transient',
    'unknown',
    "Look at the Virtual Machine Management service of the host, and into the agent's log.",
  ),
  RelayUnreachable: code('transient', 'none', 'Check that the agent of the host runs and reaches the relay.'),
  RelayRefused: code('permanent', 'none', "Check the app's Send right on the hybrid connection."),
  AgentTimedOut: code('transient', 'unknown', 'Nothing to do: the app asks the agent what became of the operation.'),
  AgentError: code('transient', 'unknown', "Look into the agent's log under the operation's id."),
  EpochStale: code('permanent', 'none', 'Nothing to do: a newer attempt of the same run is under way.'),
  StorageUnavailable: code('transient', 'unknown', 'Check that the storage account can be reached.'),
  PeerUnreachable: code(
    'transient',
    'applied',
    'Check that the destination reaches the byte route port of the source.',
  ),
  TicketExpired: code('transient', 'applied', 'Nothing to do: the next attempt carries a new ticket.'),
  TicketInvalid: code('permanent', 'none', 'Check that both agents trust the signing key of this app.'),
  StagingAccessEnded: code(
    'transient',
    'applied',
    'Nothing to do: the next attempt carries new access. If it comes again, check the clocks and the firewall of the storage account.',
  ),
  StagedContentMissing: code(
    'transient',
    'applied',
    'Nothing to do: the next attempt stages what is missing. If it comes again, look for who removes blobs of the staging container.',
  ),
  DiskFull: code('transient', 'applied', 'Free room on the named volume; the transfer then goes on from where it was.'),
  IoFailed: code('transient', 'unknown', 'Check the disk of the named host.'),
  // Ambiguous.
  ActivityThrew: code('transient', 'unknown', 'Nothing to do: the app asks the agent what became of the operation.'),
  AgentSilent: code('transient', 'unknown', 'Check that the agent of the host runs; the run goes on when it answers.'),
  OperationLost: code('transient', 'unknown', 'The agent has no record of the operation; check its state folder.'),
  MoveUnsettled: code('permanent', 'unknown', "Look at the VM on both hosts, then answer the run's question."),
  // Integrity.
  DigestMismatch: code('permanent', 'applied', 'Check memory, disk and network of both hosts; do not use the copy.'),
  SourceChanged: code(
    'permanent',
    'applied',
    'The source disk is not the one the copy began with: start a new migration.',
  ),
  DocumentDamaged: code('permanent', 'none', 'Look at the named document in Blob Storage; restore or remove it.'),
  JournalDamaged: code(
    'permanent',
    'applied',
    "The agent's journal of this copy cannot be trusted: start a new migration.",
  ),
  StagedContentDamaged: code(
    'permanent',
    'applied',
    'Find out who changed the staging container, then start a new migration; do not use the copy.',
  ),
  // What a person decides before the cutover.
  ApprovalWanted: code('permanent', 'applied', 'Answer accept to let the run go on, or cancel it.'),
  LagNotShrinking: code(
    'permanent',
    'applied',
    'Allow a longer outage, lift the bandwidth limit, or run when the guest writes less.',
  ),
  // After the start at the destination.
  StartFailed: code('permanent', 'unknown', "Look at the VM on the destination host, then answer the run's question."),
  HeartbeatMissing: code(
    'permanent',
    'applied',
    'Look at the guest at the destination, then answer: accept, or retry.',
  ),
  RefusedAfterStart: code(
    'permanent',
    'none',
    'The run started this VM here: its disks are not deleted by hyperferry any more.',
  ),
  // The run itself.
  CanceledByOperator: code('permanent', 'none', 'Nothing to do.'),
  UndoFailed: code(
    'transient',
    'unknown',
    'Mend what the message names, then answer retry; or skip this undo and clean up by hand.',
  ),
  Bug: code('permanent', 'unknown', 'Report this with the id of the run; its history is kept.'),
} as const satisfies Record<string, CodeFacts>;

export type FailureCode = keyof typeof failureCodes;
