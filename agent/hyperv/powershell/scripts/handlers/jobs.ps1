# Jobs of Hyper-V: they are its own, and go on when a worker ends.

# What became of a job; one that is not listed was removed, which Hyper-V does some minutes after its end.
function Read-HyperVJob {
    [CmdletBinding()]
    param([Parameter(Mandatory)][ValidatePattern('\A[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\z')][string] $JobId)
    $job = @(Find-HyperVJob -JobId $JobId)
    if ($job.Count -eq 0) { return [ordered]@{ state = 'gone'; percent = 0; error = $null } }
    $number = [int] $job[0].JobState
    # 2 new, 3 starting, 4 running, 5 suspended, 6 shutting down, 11 service; 7 completed, 32768 with warnings; 8 terminated, 9 killed.
    $state = if (@(2, 3, 4, 5, 6, 11) -contains $number) { 'running' } elseif (@(7, 32768) -contains $number) { 'done' } elseif (@(8, 9) -contains $number) { 'canceled' } else { 'failed' }
    [ordered]@{
        state   = $state
        percent = [int] $job[0].PercentComplete
        error   = if ($state -eq 'failed') { Get-JobError -Job $job[0] } else { $null }
    }
}

# Asks a job to end. Whether it does, and when, a look tells.
function Stop-HyperVJob {
    [CmdletBinding()]
    param([Parameter(Mandatory)][ValidatePattern('\A[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\z')][string] $JobId)
    foreach ($job in @(Find-HyperVJob -JobId $JobId | Where-Object { @(2, 3, 4, 5, 11) -contains [int] $_.JobState -and $_.Cancellable })) {
        # 4: terminate. 4096: it was accepted. Anything else is left to the next look.
        $null = Invoke-CimMethod -InputObject $job -MethodName RequestStateChange -Arguments @{ RequestedState = [uint16] 4 }
    }
    [ordered]@{ done = $true }
}

# The job that exports a VM now; an empty id where there is none. 62: export.
function Read-ExportJob {
    [CmdletBinding()]
    param([Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId)
    $system = Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName Msvm_ComputerSystem | Where-Object { $_.Name -eq $VmId }
    $jobs = if ($null -eq $system) { @() } else { @(Get-CimAssociatedInstance -InputObject $system -ResultClassName Msvm_ConcreteJob) }
    $found = @($jobs | Where-Object { $null -ne $_ -and $_.JobType -eq 62 -and @(2, 3, 4, 5, 6, 11) -contains [int] $_.JobState })
    [ordered]@{ jobId = if ($found.Count -eq 0) { '' } else { "$($found[0].InstanceID)" } }
}

function Find-HyperVJob {
    param([string] $JobId)
    Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName Msvm_ConcreteJob | Where-Object { $_.InstanceID -eq $JobId }
}

# The error of a job in the form in which errors of calls are told.
function Get-JobError {
    param($Job)
    try { throw (New-CimException -Message "$($Job.ErrorDescription)" -Key 'JobErrorCode' -Number $Job.ErrorCode) }
    catch { Get-ErrorFacts -ErrorRecord $_ }
}
