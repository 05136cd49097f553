# Which modules the worker loads, and which function answers which request. What is not listed here cannot be asked for.

foreach ($file in 'host', 'vms', 'marks', 'checkpoints', 'rounds', 'power', 'fence', 'configuration', 'export', 'import', 'planned', 'jobs', 'inspect-host', 'inspect-vm', 'doctor', 'firewall') {
    . (Join-Path -Path $PSScriptRoot -ChildPath "handlers/$file.ps1")
}

$modules = 'Hyper-V', 'Storage', 'CimCmdlets'

$handlers = @{
    'read-host'                  = 'Read-HostFacts'
    'read-vms'                   = 'Read-Vms'
    'read-doctor'                = 'Read-DoctorFacts'
    'inspect-host'               = 'Read-HostInspection'
    'inspect-vm'                 = 'Read-VmInspection'
    'set-notes'                  = 'Set-VmNotes'
    'take-checkpoint'            = 'New-VmCheckpoint'
    'remove-checkpoint'          = 'Remove-VmCheckpoint'
    'read-reference-points'      = 'Read-ReferencePoints'
    'read-changes'               = 'Read-DiskChanges'
    'take-recovery-checkpoint'   = 'New-RecoveryCheckpoint'
    'convert-checkpoint'         = 'ConvertTo-ReferencePoint'
    'remove-recovery-checkpoint' = 'Remove-RecoveryCheckpoint'
    'remove-reference-points'    = 'Remove-ReferencePoints'
    'save-vm'                    = 'Save-RunningVm'
    'shut-down-vm'               = 'Stop-RunningVm'
    'start-vm'                   = 'Start-StoppedVm'
    'lock-disks'                 = 'Lock-VmDisks'
    'unlock-disks'               = 'Unlock-VmDisks'
    'unlock-files'               = 'Unlock-Files'
    'export-configuration'       = 'Export-VmConfiguration'
    'begin-export'               = 'Start-VmExport'
    'read-export-job'            = 'Read-ExportJob'
    'read-job'                   = 'Read-HyperVJob'
    'stop-job'                   = 'Stop-HyperVJob'
    'read-import'                = 'Compare-Copy'
    'remove-planned'             = 'Remove-PlannedBelow'
    'compare-import'             = 'Compare-Placeholder'
    'import-vm'                  = 'Import-Placeholder'
    'remove-vm'                  = 'Remove-StillVm'
    'open-firewall'              = 'Open-ByteRoutePort'
    'close-firewall'             = 'Close-ByteRoutePort'
}
