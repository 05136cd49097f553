#Requires -Version 5.1
<#
The worker of the hyperferry agent: one process that lives as long as the agent and answers one request after the other.
Each request is one line of JSON on standard input, each answer one line on standard output behind a prefix that only this
agent and this process know. Everything else that is printed is noise to the agent.

-Table names the file that lists the handlers. Requests carry data only; no request can name or contain code.
#>
[CmdletBinding()]
param([string] $Table = (Join-Path -Path $PSScriptRoot -ChildPath 'table.ps1'))

Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$ConfirmPreference = 'None'

. (Join-Path -Path $PSScriptRoot -ChildPath 'protocol.ps1')
. (Join-Path -Path $PSScriptRoot -ChildPath 'errors.ps1')
. (Join-Path -Path $PSScriptRoot -ChildPath 'cim.ps1')

$channel = Open-Channel
try {
    # $modules and $handlers: what to load, and which function answers which request.
    . $Table
    Import-Module -Name $modules -DisableNameChecking
    Write-Answer -Channel $channel -Answer ([ordered]@{ ready = $true; engine = "$($PSVersionTable.PSVersion)"; pid = $PID })
}
catch {
    Write-Answer -Channel $channel -Answer ([ordered]@{ ready = $false; error = (Get-ErrorFacts -ErrorRecord $_) })
    exit 1
}

while ($null -ne ($line = $channel.Reader.ReadLine())) {
    $request = $null
    try {
        $request = ConvertFrom-Json -InputObject $line
        $handler = Get-Command -Name $handlers[[string] $request.handler] -CommandType Function
        $arguments = ConvertTo-Arguments -Given $request.args -Handler $handler
        $printed = @(& $handler @arguments 3>&1 6>$null)
        $warnings = @($printed | Where-Object { $_ -is [System.Management.Automation.WarningRecord] })
        $values = @($printed | Where-Object { $_ -isnot [System.Management.Automation.WarningRecord] })
        if ($values.Count -ne 1) { throw "$($handler.Name) answered $($values.Count) values instead of one." }
        $answer = [ordered]@{
            id       = $request.id
            ok       = $true
            value    = $values[0]
            warnings = [object[]] @($warnings | Select-Object -First 10 | ForEach-Object { "$_" })
        }
    }
    catch {
        $id = if ($null -eq $request) { $null } else { $request.id }
        $answer = [ordered]@{ id = $id; ok = $false; error = (Get-ErrorFacts -ErrorRecord $_) }
    }
    Write-Answer -Channel $channel -Answer $answer
}
