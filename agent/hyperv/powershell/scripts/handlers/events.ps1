# What Hyper-V wrote to its event logs about a VM: often the reason behind an error that says little.

function Read-VmEvents {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId,
        [Parameter(Mandatory)][ValidateRange(0, 4102444800000)][long] $SinceMs,
        [Parameter(Mandatory)][ValidateRange(1, 100)][int] $Count
    )
    $since = [DateTimeOffset]::FromUnixTimeMilliseconds($SinceMs).LocalDateTime
    $all = foreach ($log in 'VMMS', 'Worker', 'High-Availability') { Read-LogEvents -Log $log -Since $since -VmId $VmId }
    [ordered]@{ events = [object[]] @($all | Where-Object { $null -ne $_ } | Sort-Object -Property atMs | Select-Object -Last $Count) }
}

function Read-LogEvents {
    param([string] $Log, [datetime] $Since, [string] $VmId)
    # 1 to 3: critical, error, warning.
    $filter = @{ LogName = "Microsoft-Windows-Hyper-V-$Log-Admin"; StartTime = $Since; Level = 1, 2, 3 }
    try { $found = @(Get-WinEvent -FilterHashtable $filter -MaxEvents 200) }
    catch {
        # Nothing happened since, or this host has no such log: the one of roles is on nodes of clusters alone.
        if ($_.FullyQualifiedErrorId -like 'NoMatchingEventsFound*' -or $_.FullyQualifiedErrorId -like 'NoMatchingLogsFound*') { return }
        throw
    }
    foreach ($one in $found) {
        if ($one.ToXml().IndexOf($VmId, [StringComparison]::OrdinalIgnoreCase) -lt 0) { continue }
        $at = New-Object -TypeName DateTimeOffset -ArgumentList $one.TimeCreated
        [ordered]@{ atMs = $at.ToUnixTimeMilliseconds(); log = "Hyper-V-$Log"; id = [int] $one.Id; message = "$($one.Message)" }
    }
}
