# How the worker talks to the agent. The streams are opened here, in UTF-8 without a mark, whatever the console is set to.

function Open-Channel {
    $utf8 = New-Object -TypeName System.Text.UTF8Encoding -ArgumentList $false
    $reader = New-Object -TypeName System.IO.StreamReader -ArgumentList ([Console]::OpenStandardInput()), $utf8
    $writer = New-Object -TypeName System.IO.StreamWriter -ArgumentList ([Console]::OpenStandardOutput()), $utf8
    $writer.AutoFlush = $true
    # What a module prints to the console must not land in the middle of an answer.
    [Console]::SetOut([System.IO.TextWriter]::Null)
    # Windows PowerShell wraps arrays in JSON as {"value": ..., "Count": ...} while this type data is there.
    if ($null -ne (Get-TypeData -TypeName 'System.Array')) { Remove-TypeData -TypeName 'System.Array' }
    # The first line is the secret that marks answers, so that nothing that is printed can pass for one.
    @{ Reader = $reader; Writer = $writer; Prefix = "@$($reader.ReadLine()) " }
}

function Write-Answer {
    param([hashtable] $Channel, [System.Collections.IDictionary] $Answer)
    $Channel.Writer.WriteLine($Channel.Prefix + (ConvertTo-Json -InputObject $Answer -Depth 12 -Compress))
}

# The arguments of a request as a table to splat. Only parameters that the handler declares itself are taken.
function ConvertTo-Arguments {
    param($Given, [System.Management.Automation.FunctionInfo] $Handler)
    $declared = @($Handler.ScriptBlock.Ast.Body.ParamBlock.Parameters | ForEach-Object { $_.Name.VariablePath.UserPath })
    $arguments = @{}
    foreach ($property in $Given.PSObject.Properties) {
        if ($declared -notcontains $property.Name) { throw "$($Handler.Name) has no parameter $($property.Name)." }
        $arguments[$property.Name] = ConvertFrom-Sent -Value $property.Value
    }
    $arguments
}

# Texts come with '=' in front: a text that looks like a date would otherwise be read as one by ConvertFrom-Json.
function ConvertFrom-Sent {
    param($Value)
    if ($Value -is [string]) {
        if (-not $Value.StartsWith('=', [StringComparison]::Ordinal)) { throw 'A text was sent without its mark.' }
        return $Value.Substring(1)
    }
    if ($Value -is [array]) { return , [object[]] @($Value | ForEach-Object { ConvertFrom-Sent -Value $_ }) }
    $Value
}
