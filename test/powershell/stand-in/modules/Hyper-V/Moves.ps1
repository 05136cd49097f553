# Moves of running VMs, as jobs; of the module Hyper-V. The job of PowerShell ends with its process, that of Hyper-V does not.

function Move-VM {
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'NameSingleDestination')]
    param(
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'NameSingleDestination')][string] $Name,
        [Parameter(Mandatory, Position = 1, ParameterSetName = 'NameSingleDestination')][string] $DestinationHost,
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'CompatibilityReport')][object] $CompatibilityReport,
        [Parameter(ParameterSetName = 'NameSingleDestination')]
        [Parameter(ParameterSetName = 'CompatibilityReport')][switch] $AsJob
    )
    if ($Name) { throw 'The stand-in moves by a report alone.' }
    if (-not $AsJob) { throw 'The stand-in moves as a job alone.' }
    Start-StandInMove -With @{ how = 'whole'; vmId = "$($CompatibilityReport.VM.Id)" }
}

function Move-VMStorage {
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'NameSingleDestination')]
    param(
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'NameSingleDestination')][Alias('VMName')][string] $Name,
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'VMSingleDestination')][object] $VM,
        [Parameter(Mandatory, Position = 1, ParameterSetName = 'NameSingleDestination')]
        [Parameter(Mandatory, Position = 1, ParameterSetName = 'VMSingleDestination')][string] $DestinationStoragePath,
        [Parameter(ParameterSetName = 'NameSingleDestination')]
        [Parameter(ParameterSetName = 'VMSingleDestination')][switch] $AsJob
    )
    if ($Name) { throw 'The stand-in moves VMs by object alone.' }
    if (-not $AsJob) { throw 'The stand-in moves as a job alone.' }
    Start-StandInMove -With @{ how = 'storage'; vmId = "$($VM.Id)"; folder = $DestinationStoragePath }
}

# As the real cmdlets: what fails is an error of the job, and not of the call.
function Start-StandInMove {
    param([hashtable] $With)
    $told = [System.Collections.Generic.List[object]]::new()
    $state = 'Running'
    try { [void] (Invoke-StandInService -Command 'start-move' -With $With) }
    catch {
        $told.Add($_)
        $state = 'Failed'
    }
    [pscustomobject] @{ State = $state; Error = $told; JobStateInfo = [pscustomobject] @{ Reason = $null } }
}
