# Moves of running VMs that Hyper-V makes itself. Cmdlets start them, since they place every file; the job of Hyper-V is what is looked at
# and stopped. It outlives the worker, and goes some minutes after it ended.

function Read-Move {
    [CmdletBinding()]
    param([Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId)
    $systems = @(Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName Msvm_ComputerSystem | Where-Object { $_.Name -eq $VmId })
    $planned = @(Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName Msvm_PlannedComputerSystem | Where-Object { $_.Name -eq $VmId })
    [ordered]@{
        statuses  = [object[]] @($systems + $planned | ForEach-Object { $_.OperationalStatus } | Where-Object { $null -ne $_ })
        isPlanned = $planned.Count -gt 0
        jobs      = [object[]] @(Find-MoveJobs -VmId $VmId | ForEach-Object { Read-MoveJob -Job $_ })
    }
}

function Find-MoveJobs {
    param([string] $VmId)
    Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName Msvm_MigrationJob | Where-Object { "$($_.VirtualSystemName)" -eq $VmId }
}

function Read-MoveJob {
    param($Job)
    [ordered]@{
        id            = "$($Job.InstanceID)"
        type          = [int] $Job.JobType
        state         = [int] $Job.JobState
        percent       = [int] $Job.PercentComplete
        isCancellable = [bool] $Job.Cancellable
        errorCode     = [int] $Job.ErrorCode
        description   = "$($Job.ErrorDescription)"
        errors        = [object[]] @(if ($Job.JobState -ge 8 -and $Job.JobState -le 10) { Read-JobErrors -Job $Job })
    }
}

# The errors of a job are texts in XML, each with a number and words. One that cannot be read is left out: the description tells it too.
function Read-JobErrors {
    param($Job)
    try {
        foreach ($text in @((Invoke-CimMethod -InputObject $Job -MethodName GetErrorEx).Errors | Where-Object { "$_" -ne '' })) {
            $given = @{ MessageID = ''; Message = '' }
            foreach ($property in ([xml] $text).GetElementsByTagName('PROPERTY')) {
                $name = $property.GetAttribute('NAME')
                if ($given.ContainsKey($name)) { $given[$name] = $property.InnerText }
            }
            [ordered]@{ id = $given.MessageID; text = $given.Message }
        }
    }
    catch { return }
}

# All files of a running VM go below the folder, on this host.
function Start-StorageMove {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId,
        [Parameter(Mandatory)][ValidateLength(1, 32767)][string] $Folder,
        [Parameter(Mandatory)][AllowEmptyCollection()][ValidateLength(1, 256)][string[]] $JobsBefore
    )
    $vm = Get-NeededVm -VmId $VmId
    Assert-NotMoving -VmId $VmId
    $job = Move-VMStorage -VM $vm -DestinationStoragePath $Folder -AsJob
    Wait-MoveBegun -VmId $VmId -JobsBefore $JobsBefore -Job $job
}

# A running VM goes to another host with all its files. Hyper-V compares it with that host first, and plans it there.
function Start-WholeMove {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId,
        [Parameter(Mandatory)][ValidatePattern('\A[A-Za-z0-9_-]{1,50}\z')][string] $DestinationHost,
        [Parameter(Mandatory)][ValidateLength(1, 32767)][string] $Folder,
        # A switch of that host for the adapters; as they are where it is empty.
        [Parameter(Mandatory)][AllowEmptyString()][ValidateLength(0, 256)][string] $SwitchName,
        [Parameter(Mandatory)][AllowEmptyCollection()][ValidateLength(1, 256)][string[]] $JobsBefore
    )
    $vm = Get-NeededVm -VmId $VmId
    Assert-NotMoving -VmId $VmId
    $report = Compare-VM -VM $vm -DestinationHost $DestinationHost -IncludeStorage -DestinationStoragePath $Folder
    if ($SwitchName -ne '') { $report = Edit-ImportReport -Report $report -SwitchName $SwitchName -Disconnects $false -KeepsMemory $true -DiskIds @() -DiskPaths @() }
    $found = @(Read-Incompatibilities -Report $report)
    if ($found.Count -gt 0) { return [ordered]@{ begun = 'refused'; jobId = $null; incompatibilities = [object[]] $found } }
    $job = Move-VM -CompatibilityReport $report -AsJob
    Wait-MoveBegun -VmId $VmId -JobsBefore $JobsBefore -Job $job
}

# The role of a running VM goes to another node; its files stay. The cluster starts the move and goes on by itself.
function Start-LiveMove {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId,
        [Parameter(Mandatory)][ValidatePattern('\A[A-Za-z0-9_-]{1,50}\z')][string] $DestinationHost,
        [Parameter(Mandatory)][AllowEmptyCollection()][ValidateLength(1, 256)][string[]] $JobsBefore
    )
    $null = Get-NeededVm -VmId $VmId
    Assert-NotMoving -VmId $VmId
    $null = Move-ClusterVirtualMachineRole -VMId ([guid] $VmId) -Node $DestinationHost -MigrationType Live -Wait 0
    Wait-MoveBegun -VmId $VmId -JobsBefore $JobsBefore -Job $null
}

# 32774: the hypervisor moves it. States up to 6, and 11, have not ended.
function Assert-NotMoving {
    param([string] $VmId)
    $move = Read-Move -VmId $VmId
    $open = @($move.jobs | Where-Object { $_.state -le 6 -or $_.state -eq 11 })
    if ($open.Count -gt 0 -or @($move.statuses) -contains 32774) { Stop-Request -Code 'VmBusy' -Message "VM $VmId is being moved by Hyper-V." }
}

# Until Hyper-V has a job for the move (305 to 307 move, others prepare), or the cmdlet has ended.
function Wait-MoveBegun {
    param([string] $VmId, [string[]] $JobsBefore, $Job)
    for ($look = 0; $look -lt 240; $look++) {
        $found = @(Invoke-Afterwards { Find-MoveJobs -VmId $VmId } | Where-Object { @(305, 306, 307) -contains $_.JobType -and $JobsBefore -notcontains "$($_.InstanceID)" })
        if ($found.Count -gt 0) { return [ordered]@{ begun = 'job'; jobId = "$($found[0].InstanceID)"; incompatibilities = [object[]] @() } }
        if ($null -ne $Job -and @('Completed', 'Failed', 'Stopped') -contains $Job.State.ToString()) {
            if ($Job.Error.Count -gt 0) { throw $Job.Error[0] }
            if ($null -ne $Job.JobStateInfo.Reason) { throw $Job.JobStateInfo.Reason }
            return [ordered]@{ begun = 'ended'; jobId = $null; incompatibilities = [object[]] @() }
        }
        # Moved away before it was looked at.
        if ($null -eq (Invoke-Afterwards { Find-Vm -VmId $VmId })) { return [ordered]@{ begun = 'ended'; jobId = $null; incompatibilities = [object[]] @() } }
        Start-Sleep -Milliseconds 500
    }
    [ordered]@{ begun = 'not-seen'; jobId = $null; incompatibilities = [object[]] @() }
}

# Asks Hyper-V to end a move and take it back. 4 ends the job in order; one that has ended, or is past stopping, is left as it is.
function Stop-Move {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId,
        [Parameter(Mandatory)][ValidateLength(1, 256)][string] $JobId
    )
    $job = @(Find-MoveJobs -VmId $VmId | Where-Object { "$($_.InstanceID)" -eq $JobId })
    if ($job.Count -eq 0 -or $job[0].JobState -ge 7 -or -not $job[0].Cancellable) { return [ordered]@{ asked = $false } }
    $result = Invoke-CimMethod -InputObject $job[0] -MethodName RequestStateChange -Arguments @{ RequestedState = [uint16] 4 }
    if (@(0, 4096) -notcontains $result.ReturnValue) { throw (New-CimException -Message "The move of VM $VmId was not stopped." -Key 'ReturnValue' -Number $result.ReturnValue) }
    [ordered]@{ asked = $true }
}

function Stop-LiveMove {
    [CmdletBinding()]
    param([Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId)
    $null = Move-ClusterVirtualMachineRole -VMId ([guid] $VmId) -Cancel
    [ordered]@{ asked = $true }
}

# What a move that failed left here: a VM that is planned, and has no files but those of the move.
function Remove-LeftPlannedVm {
    [CmdletBinding()]
    param([Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId)
    Remove-PlannedVm -VmId $VmId
    [ordered]@{ done = $true }
}
