Set-StrictMode -Version 2

function Get-WinEvent {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'HashQuerySet')][hashtable[]] $FilterHashtable,
        [ValidateRange(1, [long]::MaxValue)][long] $MaxEvents = [long]::MaxValue
    )
    $filter = $FilterHashtable[0]
    $log = "$($filter.LogName)"
    $told = Invoke-StandInService -Command 'events' -With @{ log = $log }
    if (-not $told.isThere) {
        $exception = [System.Exception]::new("There is not an event log on the localhost computer that matches `"$log`".")
        $PSCmdlet.WriteError([System.Management.Automation.ErrorRecord]::new($exception, 'NoMatchingLogsFound', 'ObjectNotFound', $log))
        return
    }
    $found = @($told.events | Where-Object { [DateTimeOffset]::FromUnixTimeMilliseconds($_.atMs).LocalDateTime -ge $filter.StartTime -and $filter.Level -contains $_.level })
    if ($found.Count -eq 0) {
        $exception = [System.Exception]::new('No events were found that match the specified selection criteria.')
        $PSCmdlet.WriteError([System.Management.Automation.ErrorRecord]::new($exception, 'NoMatchingEventsFound', 'ObjectNotFound', $null))
        return
    }
    # The latest come first.
    $found = @($found | Sort-Object -Property atMs -Descending | Select-Object -First ([int] [Math]::Min($MaxEvents, 100000)))
    foreach ($one in $found) {
        $record = [pscustomobject] @{ TimeCreated = [DateTimeOffset]::FromUnixTimeMilliseconds($one.atMs).LocalDateTime; Id = [int] $one.id; LogName = $log; Message = $one.message; VmId = $one.vmId }
        $record | Add-Member -MemberType ScriptMethod -Name 'ToXml' -Value { "<Event><UserData><VmId>$("$($this.VmId)".ToUpperInvariant())</VmId></UserData></Event>" }
        $record
    }
}
